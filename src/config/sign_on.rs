//! `auth:*`: the schemes people sign on with.

use std::{collections::BTreeMap, time::Duration};

use reqwest::Url;
use serde_json::Value;

use super::File;
use crate::{
    error::{Error, Result},
    secret::Secret,
};

/// Where a provider's e-mail is looked for unless the settings say: Microsoft's Graph has the latter two.
const EMAIL_CLAIMS: [&str; 3] = ["email", "mail", "userPrincipalName"];

/// Sign-on.
#[derive(Clone, Debug)]
pub struct Auth {
    /// `auth:token-expire-days`: how long a session lives.
    pub session_days: i64,
    /// `auth:user-registration`: anybody may make a user.
    pub open_registration: bool,
    /// `auth:scheme`, or `auth:multi:schemes`; the first is what old clients use.
    pub schemes: Vec<Scheme>,
    /// `auth:multi:default-scheme`, when it is one of them.
    pub default_scheme: String,
    /// `auth:peer:token`: reads logs; `None`: there is no such token.
    pub peer_token: Option<Secret>,
}

/// A way to sign on.
#[derive(Clone, Debug)]
pub enum Scheme {
    /// E-mail and password.
    Native,
    /// A provider's code, exchanged by this server.
    OAuth(Box<OAuth>),
    /// A provider's tokens, fetched by the client and checked here.
    Oidc(Box<Oidc>),
}

impl Scheme {
    /// As `auth:scheme` names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::OAuth(_) => "oauth",
            Self::Oidc(_) => "oidc",
        }
    }
}

/// `auth:oauth:*`
#[derive(Clone, Debug)]
pub struct OAuth {
    /// `client-id`.
    pub client_id: String,
    /// `client-secret`.
    pub client_secret: Secret,
    /// `scope`: one text.
    pub scope: String,
    /// `auth-url`: where people are sent.
    pub auth_url: Url,
    /// `token-url`: where codes are exchanged.
    pub token_url: Url,
    /// `info-url`: what tells whose a token is.
    pub info_url: Url,
    /// `introspect-url`: what tells whom a token was made for, when the token itself does not.
    pub introspect_url: Option<Url>,
    /// `callback-port`: where the CLI waits; 0: anywhere.
    pub callback_port: u16,
    /// `web-clients`: web pages whose tokens are taken, beside those of `client-id`.
    pub web_clients: Vec<String>,
    /// Whom the provider's accounts must be.
    pub people: People,
}

/// `auth:oidc:*`
#[derive(Clone, Debug)]
pub struct Oidc {
    /// `client-id`: of the CLI.
    pub client_id: String,
    /// `scopes`.
    pub scopes: Vec<String>,
    /// `issuer`: who makes the tokens.
    pub issuer: String,
    /// `audience`: whom they are for.
    pub audience: Vec<String>,
    /// `auth-url`; discovered when it is not set.
    pub auth_url: Option<Url>,
    /// `token-url`; discovered when it is not set.
    pub token_url: Option<Url>,
    /// `jwks-url`: the provider's keys; discovered when it is not set.
    pub jwks_url: Option<Url>,
    /// `jwks-refresh-interval`: keys are asked for again after that.
    pub refresh: Duration,
    /// `callback-port`.
    pub callback_port: u16,
    /// `groups-in-claims`: the token says the groups.
    pub groups_in_claims: bool,
    /// `auto-create-personal-team`: new users get a team of their own.
    pub personal_team: bool,
    /// `valid-claims`: what tokens must say.
    pub valid_claims: BTreeMap<String, Value>,
    /// Whom the provider's accounts must be.
    pub people: People,
}

/// Which of a provider's accounts may sign on, and how they are read.
#[derive(Clone, Debug)]
pub struct People {
    /// `email-claim`: the first that is there.
    pub email_claims: Vec<String>,
    /// `groups-claim`.
    pub groups_claim: String,
    /// `allowed-domains`; empty: any.
    pub domains: Vec<String>,
    /// `tenant`: of Microsoft Entra; `None`: any.
    pub tenant: Option<String>,
}

impl Auth {
    /// The settings of a file.
    pub fn read(file: &File) -> Result<Self> {
        let scheme = file.text("auth:scheme", "native")?;
        let names = if scheme == "multi" { list(file, "auth:multi:schemes")? } else { vec![scheme] };
        if names.is_empty() {
            return Err(Error::invalid("auth:multi:schemes: wanted a list like [native, oauth]"));
        }
        Ok(Self {
            session_days: file.int("auth:token-expire-days", 7)?,
            open_registration: file.bool("auth:user-registration", false)?,
            schemes: names.iter().map(|name| read_scheme(file, name)).collect::<Result<_>>()?,
            default_scheme: file.text("auth:multi:default-scheme", "")?,
            peer_token: file.opt_text("auth:peer:token")?.filter(|token| !token.is_empty()).map(Secret::new),
        })
    }

    /// True when people sign on with passwords, perhaps among other ways.
    pub fn has_passwords(&self) -> bool {
        self.schemes.iter().any(|scheme| matches!(scheme, Scheme::Native))
    }

    /// `oauth`, when it is among the schemes.
    pub fn oauth(&self) -> Option<&OAuth> {
        self.schemes.iter().find_map(|scheme| if let Scheme::OAuth(oauth) = scheme { Some(&**oauth) } else { None })
    }

    /// `oidc`, when it is among the schemes.
    pub fn oidc(&self) -> Option<&Oidc> {
        self.schemes.iter().find_map(|scheme| if let Scheme::Oidc(oidc) = scheme { Some(&**oidc) } else { None })
    }
}

fn read_scheme(file: &File, name: &str) -> Result<Scheme> {
    match name {
        "native" => Ok(Scheme::Native),
        "oauth" => Ok(Scheme::OAuth(Box::new(read_oauth(file)?))),
        "oidc" => Ok(Scheme::Oidc(Box::new(read_oidc(file)?))),
        other => Err(Error::invalid(format!("auth:scheme: {other:?} is none of native, oauth, oidc, multi"))),
    }
}

fn read_oauth(file: &File) -> Result<OAuth> {
    let oauth = OAuth {
        client_id: needed(file, "auth:oauth:client-id")?,
        client_secret: Secret::new(needed(file, "auth:oauth:client-secret")?),
        scope: needed(file, "auth:oauth:scope")?,
        auth_url: needed_url(file, "auth:oauth:auth-url")?,
        token_url: needed_url(file, "auth:oauth:token-url")?,
        info_url: needed_url(file, "auth:oauth:info-url")?,
        introspect_url: opt_url(file, "auth:oauth:introspect-url")?,
        callback_port: port(file, "auth:oauth:callback-port")?,
        web_clients: list(file, "auth:oauth:web-clients")?,
        people: people(file, "auth:oauth", &EMAIL_CLAIMS)?,
    };
    open_to_all_of_microsoft("auth:oauth", &[&oauth.token_url], &oauth.people)?;
    Ok(oauth)
}

fn read_oidc(file: &File) -> Result<Oidc> {
    let valid_claims = claims(file)?;
    let said = |claim: &str| valid_claims.get(claim).and_then(Value::as_str).map(str::to_owned);
    let client_id = needed(file, "auth:oidc:client-id")?;
    let issuer = file.opt_text("auth:oidc:issuer")?.or_else(|| said("iss"));
    let mut audience = list(file, "auth:oidc:audience")?;
    if audience.is_empty() {
        audience.push(said("aud").unwrap_or_else(|| client_id.clone()));
    }
    Ok(Oidc {
        client_id,
        audience,
        issuer: issuer.ok_or_else(|| Error::invalid("auth:oidc:issuer: is needed, or tokens of any issuer would be taken"))?,
        scopes: list(file, "auth:oidc:scopes")?,
        auth_url: opt_url(file, "auth:oidc:auth-url")?,
        token_url: opt_url(file, "auth:oidc:token-url")?,
        jwks_url: opt_url(file, "auth:oidc:jwks-url")?,
        refresh: duration(file, "auth:oidc:jwks-refresh-interval", Duration::from_secs(15 * 60))?,
        callback_port: port(file, "auth:oidc:callback-port")?,
        groups_in_claims: file.bool("auth:oidc:groups-in-claims", false)?,
        personal_team: file.bool("auth:oidc:auto-create-personal-team", false)?,
        people: people(file, "auth:oidc", &["email"])?,
        valid_claims,
    })
}

fn people(file: &File, prefix: &str, email_claims: &[&str]) -> Result<People> {
    let mut claims = list(file, &format!("{prefix}:email-claim"))?;
    if claims.is_empty() {
        claims = email_claims.iter().map(ToString::to_string).collect();
    }
    let domains = list(file, &format!("{prefix}:allowed-domains"))?;
    Ok(People {
        email_claims: claims,
        groups_claim: file.text(&format!("{prefix}:groups-claim"), "groups")?,
        domains: domains.iter().map(|domain| domain.trim_start_matches('@').to_ascii_lowercase()).collect(),
        tenant: file.opt_text(&format!("{prefix}:tenant"))?.filter(|tenant| !tenant.is_empty()),
    })
}

/// Any organisation can give its accounts any e-mail: without a tenant, sign-on by Microsoft's endpoints for all of them proves nothing.
fn open_to_all_of_microsoft(prefix: &str, urls: &[&Url], people: &People) -> Result<()> {
    const ALL: [&str; 3] = ["common", "organizations", "consumers"];
    let open = |url: &Url| {
        let first = url.path_segments().and_then(|mut path| path.next()).unwrap_or_default();
        url.host_str() == Some("login.microsoftonline.com") && ALL.contains(&first)
    };
    if people.tenant.is_none() && urls.iter().any(|url| open(url)) {
        return Err(Error::invalid(format!("{prefix}:tenant: is needed, or put the tenant's id into {prefix}:token-url")));
    }
    Ok(())
}

fn needed(file: &File, key: &str) -> Result<String> {
    let text = file.opt_text(key)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| Error::invalid(format!("{key}: is needed by auth:scheme")))
}

fn needed_url(file: &File, key: &str) -> Result<Url> {
    url(key, &needed(file, key)?)
}

fn opt_url(file: &File, key: &str) -> Result<Option<Url>> {
    file.opt_text(key)?.filter(|text| !text.is_empty()).map(|text| url(key, &text)).transpose()
}

fn url(key: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).map_err(|e| Error::invalid(format!("{key}: {text:?} is no address ({e})")))?;
    if matches!(url.scheme(), "http" | "https") { Ok(url) } else { Err(Error::invalid(format!("{key}: wanted http or https"))) }
}

fn port(file: &File, key: &str) -> Result<u16> {
    file.int(key, 0)?.try_into().map_err(|e| Error::invalid(format!("{key}: {e}")))
}

/// A list, or one text.
fn list(file: &File, key: &str) -> Result<Vec<String>> {
    match file.value(key) {
        Value::Null => Ok(Vec::new()),
        Value::String(_) => Ok(file.text(key, "")?.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()),
        Value::Array(items) => items.iter().map(|item| text_of(key, item)).collect(),
        _ => Err(Error::invalid(format!("{key}: wanted a list"))),
    }
}

fn text_of(key: &str, value: &Value) -> Result<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Error::invalid(format!("{key}: wanted a list of texts"))),
    }
}

fn claims(file: &File) -> Result<BTreeMap<String, Value>> {
    match file.tree("auth:oidc:valid-claims") {
        Value::Null => Ok(BTreeMap::new()),
        Value::Object(map) => Ok(map.into_iter().collect()),
        _ => Err(Error::invalid("auth:oidc:valid-claims: wanted a map")),
    }
}

/// `15m`, `90s`, `1h30m`, or nanoseconds as a number, as Go writes durations.
fn duration(file: &File, key: &str, default: Duration) -> Result<Duration> {
    let Some(text) = file.opt_text(key)? else { return Ok(default) };
    go_duration(&text).ok_or_else(|| Error::invalid(format!("{key}: {text:?} is no duration like 15m")))
}

fn go_duration(text: &str) -> Option<Duration> {
    if let Ok(nanos) = text.parse() {
        return Some(Duration::from_nanos(nanos));
    }
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let unit = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let number: u64 = number.parse().ok()?;
        total += match unit.0 {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        };
        rest = unit.1;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OAUTH: &str = "auth:\n  scheme: oauth\n  oauth:\n    client-id: c\n    client-secret: s\n    scope: openid\n    \
        auth-url: https://idp.example/auth\n    token-url: https://idp.example/token\n    info-url: https://idp.example/me\n";

    fn read(text: &str) -> Result<Auth> {
        Auth::read(&File::parse(text).unwrap())
    }

    #[test]
    fn without_settings_people_have_passwords() {
        let auth = read("").unwrap();
        assert_eq!(auth.schemes.iter().map(Scheme::name).collect::<Vec<_>>(), ["native"]);
        assert!(auth.peer_token.is_none());
    }

    #[test]
    fn tsurus_keys_are_enough_for_oauth() {
        let auth = read(OAUTH).unwrap();
        let oauth = auth.oauth().unwrap();
        assert_eq!((oauth.callback_port, oauth.people.email_claims.len(), auth.has_passwords()), (0, 3, false));
        let more = read(&format!("{OAUTH}    callback-port: 38080\n    allowed-domains: ['@Uni.example', b.c]\n")).unwrap();
        assert_eq!(more.oauth().unwrap().people.domains, ["uni.example", "b.c"]);
    }

    #[test]
    fn a_missing_or_wrong_setting_is_named() {
        for (text, key) in [
            ("auth: {scheme: saml}", "auth:scheme: "),
            ("auth: {scheme: oauth}", "auth:oauth:client-id: "),
            ("auth: {scheme: multi}", "auth:multi:schemes: "),
            ("auth: {scheme: oidc, oidc: {client-id: x}}", "auth:oidc:issuer: "),
            ("auth: {scheme: oidc, oidc: {client-id: x, issuer: i, jwks-url: 'ftp://x'}}", "auth:oidc:jwks-url: "),
            ("auth: {scheme: oidc, oidc: {client-id: x, issuer: i, jwks-refresh-interval: soon}}", "auth:oidc:jwks-refresh-interval: "),
        ] {
            assert!(read(text).unwrap_err().to_string().starts_with(key), "{text}");
        }
    }

    #[test]
    fn microsofts_endpoints_for_everybody_need_a_tenant() {
        let common = OAUTH.replace("https://idp.example/token", "https://login.microsoftonline.com/common/oauth2/v2.0/token");
        assert!(read(&common).unwrap_err().to_string().starts_with("auth:oauth:tenant: "));
        assert!(read(&format!("{common}    tenant: 1-2-3\n")).is_ok());
        assert!(read(&common.replace("common", "1-2-3")).is_ok());
    }

    #[test]
    fn issuer_and_audience_may_be_among_the_valid_claims() {
        let auth = read("auth: {scheme: oidc, oidc: {client-id: x, valid-claims: {iss: me, aud: you, hd: z}}}").unwrap();
        let oidc = auth.oidc().unwrap();
        assert_eq!((oidc.issuer.as_str(), oidc.audience.as_slice()), ("me", ["you".to_owned()].as_slice()));
        assert_eq!(oidc.refresh, Duration::from_secs(900));
    }

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, seconds) in [("15m", 900), ("1h30m", 5400), ("90s", 90), ("1000000000", 1)] {
            assert_eq!(go_duration(text), Some(Duration::from_secs(seconds)), "{text}");
        }
        for bad in ["", "m", "3x", "1h 2m"] {
            assert_eq!(go_duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_examples_of_the_readme_are_settings() {
        let readme = include_str!("../../README.md").replace("$OAUTH_SECRET", "s");
        let examples = readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let schemes: Vec<_> = examples.map(|text| (File::parse(text).unwrap(), read(text).unwrap())).collect();
        let names: Vec<_> = schemes.iter().map(|(file, auth)| (auth.schemes[0].name(), file.unknown().len())).collect();
        assert_eq!(names, [("oauth", 0), ("oidc", 0)]);
    }
}
