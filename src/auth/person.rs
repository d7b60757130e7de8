//! Who a provider says somebody is, and whether they may come in.

use serde_json::{Map, Value};

use crate::{
    config::sign_on::People,
    error::{Error, Result},
    names,
};

/// What is said when a provider's answer holds no e-mail that can be used.
const NO_EMAIL: &str = "Couldn't parse user email.";

/// An account of a provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Person {
    /// Its e-mail, in small letters.
    pub email: String,
    /// Its e-mail as the provider writes it.
    pub written: String,
    /// All names it goes by, in small letters.
    pub names: Vec<String>,
    /// Its groups.
    pub groups: Vec<String>,
}

impl Person {
    /// Reads what the provider says. 403 without a usable e-mail, for an e-mail that is not verified, and outside of the domains.
    pub fn read(people: &People, claims: &Map<String, Value>) -> Result<Self> {
        let claimed = people.email_claims.iter().filter_map(|claim| claims.get(claim)?.as_str());
        let named: Vec<&str> = claimed.filter(|name| is_email(&name.to_ascii_lowercase())).collect();
        let written = named.first().copied().ok_or_else(|| Error::Forbidden(NO_EMAIL.into()))?.to_owned();
        let email = written.to_ascii_lowercase();
        let unverified = claims.get("email_verified").is_some_and(|said| *said == Value::Bool(false) || said == "false");
        if unverified {
            return Err(Error::Forbidden("The provider has not verified this e-mail.".into()));
        }
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        if !people.domains.is_empty() && !people.domains.iter().any(|allowed| allowed == domain) {
            return Err(Error::Forbidden(format!("Accounts of {domain} may not sign on here.")));
        }
        let names = named.into_iter().map(str::to_ascii_lowercase).collect();
        Ok(Self { email, written, names, groups: groups(claims.get(&people.groups_claim)) })
    }
}

/// 403 unless the account is of the tenant that is asked for.
pub fn check_tenant(people: &People, said: Option<&str>) -> Result<()> {
    match (&people.tenant, said) {
        (None, _) => Ok(()),
        (Some(wanted), Some(said)) if wanted.eq_ignore_ascii_case(said) => Ok(()),
        (Some(_), Some(_)) => Err(Error::Forbidden("Accounts of another organisation may not sign on here.".into())),
        (Some(_), None) => Err(Error::Forbidden("The provider does not say of which organisation this account is.".into())),
    }
}

/// Guests of an Entra tenant have names like `ann_home.example#EXT#@tenant.example`, which are nobody's e-mail.
fn is_email(name: &str) -> bool {
    names::check_email(name).is_ok() && !name.contains('#')
}

fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        Some(Value::String(one)) if !one.is_empty() => vec![one.clone()],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn people(domains: &[&str]) -> People {
        let list = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let email_claims = list(&["email", "mail", "userPrincipalName"]);
        People { email_claims, groups_claim: "groups".into(), domains: list(domains), tenant: Some("T-1".into()) }
    }

    fn read(domains: &[&str], claims: Value) -> Result<Person> {
        Person::read(&people(domains), claims.as_object().unwrap())
    }

    #[test]
    fn graph_names_people_by_mail_or_principal_name() {
        let graph = json!({"mail": "Ann.Smith@Uni.example", "userPrincipalName": "as1@uni.example"});
        let person = read(&[], graph).unwrap();
        assert_eq!((person.email.as_str(), person.names.len()), ("ann.smith@uni.example", 2));
        let without = read(&[], json!({"mail": null, "userPrincipalName": "as1@uni.example"})).unwrap();
        assert_eq!(without.email, "as1@uni.example");
        assert_eq!(read(&[], json!({"email": "a@b.co", "mail": "c@d.co", "groups": ["x", 3, ""]})).unwrap().groups, ["x"]);
    }

    #[test]
    fn guests_and_people_without_mail_have_no_usable_name() {
        for claims in [json!({}), json!({"mail": null, "userPrincipalName": "ann_home.example#EXT#@uni.example"}), json!({"email": 3})] {
            assert_eq!(read(&[], claims).unwrap_err().to_string(), NO_EMAIL);
        }
    }

    #[test]
    fn only_allowed_domains_come_in() {
        assert!(read(&["uni.example"], json!({"email": "a@UNI.example"})).is_ok());
        for email in ["a@home.example", "a@sub.uni.example", "a@uni.example.evil.example", "a@uni.example@evil.example"] {
            assert!(read(&["uni.example"], json!({ "email": email })).is_err(), "{email}");
        }
    }

    #[test]
    fn an_e_mail_that_is_not_verified_is_nobodys() {
        for said in [json!(false), json!("false")] {
            assert!(read(&[], json!({"email": "a@b.co", "email_verified": said})).is_err());
        }
        assert!(read(&[], json!({"email": "a@b.co", "email_verified": true})).is_ok());
    }

    #[test]
    fn the_tenant_must_be_said_and_right() {
        assert!(check_tenant(&people(&[]), Some("t-1")).is_ok());
        assert!(check_tenant(&people(&[]), Some("t-2")).is_err());
        assert!(check_tenant(&people(&[]), None).is_err());
    }
}
