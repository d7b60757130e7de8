//! A provider of one test.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::browser;
use crate::store::say;

const SECRET: &str = "a secret of the tests";
const VERIFIER: &str = "a-verifier-of-the-tests-that-has-at-least-43-characters";
/// Where the CLI of the tests would wait.
pub const CALLBACK: &str = "http://localhost:38080";

/// A running provider; it ends with this value.
pub struct Provider {
    line: String,
    child: Child,
    pub url: String,
}

/// What a client got for a code.
pub struct Tokens {
    pub access: String,
    pub id: String,
}

impl Provider {
    /// `None`, and a word about it, where the tests have none.
    pub async fn start() -> Option<Self> {
        let Some(line) = env::var("IMPAAS_OIDC_PROVIDER").ok().filter(|line| !line.is_empty()) else {
            say("sign-on by a provider: SKIPPED, IMPAAS_OIDC_PROVIDER is not set");
            return None;
        };
        let port = crate::server::free_port();
        let line = format!("exec {line} {port}");
        let provider = Self { child: spawn(&line), line, url: format!("http://127.0.0.1:{port}") };
        provider.answers().await;
        Some(provider)
    }

    /// Goes away.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Comes back, at the same place and with other keys.
    pub async fn start_again(&mut self) {
        self.child = spawn(&self.line);
        self.answers().await;
    }

    async fn answers(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while reqwest::get(format!("{}/jwks", self.url)).await.is_err() {
            assert!(Instant::now() < deadline, "the provider does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// `auth:oauth` of this provider's client `impaas`, asked at its own user-info endpoint, and these settings.
    pub fn oauth(&self, more: &[&str]) -> String {
        self.oauth_of("impaas", "openid email", "/me", more)
    }

    /// `auth:oauth` as for Microsoft Entra: people are asked for at Graph.
    pub fn entra(&self, more: &[&str]) -> String {
        self.oauth_of("entra", "openid User.Read", "/graph/v1.0/me", more)
    }

    fn oauth_of(&self, client: &str, scope: &str, info: &str, more: &[&str]) -> String {
        let url = &self.url;
        let settings = format!(
            "  oauth:\n    client-id: {client}\n    client-secret: {SECRET}\n    scope: {scope}\n    auth-url: {url}/auth\n    \
             token-url: {url}/token\n    info-url: {url}{info}\n    callback-port: 38080\n"
        );
        more.iter().fold(settings, |settings, line| format!("{settings}    {line}\n"))
    }

    /// `auth:oidc` of this provider, whose addresses are discovered, and these settings.
    pub fn oidc(&self, more: &[&str]) -> String {
        let settings = format!(
            "  oidc:\n    client-id: cli\n    scopes: [openid, email]\n    issuer: {}\n    audience: api://impaas\n    callback-port: 38080\n",
            self.url
        );
        more.iter().fold(settings, |settings, line| format!("{settings}    {line}\n"))
    }

    /// Somebody signs on for a client that keeps no secret (code and PKCE), as the CLI and web pages do.
    pub async fn tokens(&self, client: &str, login: &str) -> Tokens {
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let url = format!(
            "{}/auth?client_id={client}&redirect_uri={CALLBACK}&response_type=code&scope=openid+email+profile&code_challenge={challenge}\
             &code_challenge_method=S256",
            self.url
        );
        let code = browser::code(&url, login).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("client_id", client),
            ("code_verifier", VERIFIER),
        ];
        let reply = reqwest::Client::new().post(format!("{}/token", self.url)).form(&form).send().await.unwrap();
        let said: Value = reply.json().await.unwrap();
        let text = |field: &str| said[field].as_str().unwrap_or_else(|| panic!("{said}")).to_owned();
        Tokens { access: text("access_token"), id: text("id_token") }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn spawn(line: &str) -> Child {
    Command::new("sh").args(["-c", line]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
