//! Sign-on with a real OpenID provider, npm's `oidc-provider`, started by the command line in `IMPAAS_OIDC_PROVIDER` (`cargo xtask
//! test` installs it and sets this). People are browsers that fill in the provider's forms.

mod browser;
mod oauth;
mod oidc;
mod provider;
mod schemes;
mod servers;
mod web_login;
