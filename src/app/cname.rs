//! Host names of apps beside their own address.

use crate::{
    app::{App, router},
    context::Context,
    error::{Error, Result},
    event::Locked,
    names,
    store::{Filter, Update},
};

/// Bytes of a host name at most (RFC 1035).
const LONGEST: usize = 253;

/// Makes the app answer for these host names too.
pub async fn add(ctx: &Context, app: &mut Locked<App>, cnames: &[String]) -> Result<()> {
    let mut wanted: Vec<String> = Vec::new();
    for cname in cnames.iter().map(|cname| cname.to_ascii_lowercase()) {
        check(ctx, app, &cname)?;
        if !wanted.contains(&cname) {
            check_free(ctx, app, &cname).await?;
            wanted.push(cname);
        }
    }
    let before = app.cname.clone();
    set(ctx, app, [before.clone(), wanted.clone()].concat()).await?;
    let done = settle(ctx, app, &wanted).await;
    if done.is_err() {
        set(ctx, app, before).await?;
        ctx.runs(app).set_cnames(&app.name, &app.cname).await?;
        router::take_back(ctx, app).await;
    }
    done
}

/// What another app took in the same moment is given back; then the router hears of it.
async fn settle(ctx: &Context, app: &App, wanted: &[String]) -> Result<()> {
    for cname in wanted {
        check_others(ctx, app, cname).await?;
    }
    ctx.runs(app).set_cnames(&app.name, &app.cname).await?;
    router::refresh(ctx, app).await
}

/// Forgets these host names and their certificate issuers.
pub async fn remove(ctx: &Context, app: &mut Locked<App>, cnames: &[String]) -> Result<()> {
    if cnames.iter().any(|cname| !names::is_cname(&cname.to_ascii_lowercase())) {
        return Err(Error::invalid("Invalid cname"));
    }
    let is_wanted = |known: &String| cnames.iter().any(|cname| cname.eq_ignore_ascii_case(known));
    if let Some(unknown) = cnames.iter().find(|cname| !app.cname.iter().any(|known| known.eq_ignore_ascii_case(cname))) {
        return Err(Error::refused(format!("cname {unknown} not exists in app")));
    }
    let (gone, left): (Vec<String>, Vec<String>) = app.cname.iter().cloned().partition(is_wanted);
    let issuers = gone.iter().map(|cname| format!("certissuers.{}", cname.replace('.', "_dot_")));
    let update = issuers.fold(Update::set("cname", left), Update::and_unset);
    let id = app.id;
    app.change(&ctx.store, id, update).await?;
    ctx.runs(app).set_cnames(&app.name, &app.cname).await?;
    router::refresh(ctx, app).await
}

async fn set(ctx: &Context, app: &mut Locked<App>, cnames: Vec<String>) -> Result<()> {
    let id = app.id;
    app.change(&ctx.store, id, Update::set("cname", cnames)).await
}

fn check(ctx: &Context, app: &App, cname: &str) -> Result<()> {
    if !names::is_cname(cname) || cname.len() > LONGEST {
        return Err(Error::invalid("Invalid cname"));
    }
    let own = ctx.runs(app).address(&app.name);
    if is_own_address(&own, &app.name, cname) {
        return Err(Error::invalid(format!("cname {cname} is reserved: it is, or could become, the address of an app")));
    }
    if is_server(&ctx.config.host, cname) {
        return Err(Error::invalid(format!("cname {cname} is reserved: it is an address of this server")));
    }
    Ok(())
}

/// True for names that browsers keep cookies of this server's own pages under: ports do not part them.
fn is_server(server: &str, cname: &str) -> bool {
    let cname = cname.trim_end_matches('.');
    let named = server.split("://").last().unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    cname == "localhost" || cname.parse::<std::net::IpAddr>().is_ok() || cname.eq_ignore_ascii_case(named)
}

/// True for a name of the form that apps' own addresses have: nobody may take the address of another app.
fn is_own_address(own: &str, app: &str, cname: &str) -> bool {
    let host = own.split(':').next().unwrap_or_default();
    let Some(domain) = host.strip_prefix(app) else { return false };
    let left = cname.strip_suffix(domain).or_else(|| cname.trim_end_matches('.').strip_suffix(domain));
    !domain.is_empty() && left.is_some_and(|left| !left.contains('.'))
}

async fn check_free(ctx: &Context, app: &App, cname: &str) -> Result<()> {
    if app.cname.iter().any(|known| known.eq_ignore_ascii_case(cname)) {
        return Err(Error::refused(format!("cname {cname} already exists for this app")));
    }
    check_others(ctx, app, cname).await
}

/// Another app may have the same name only on other routers and under the same team owner.
async fn check_others(ctx: &Context, app: &App, cname: &str) -> Result<()> {
    let others = ctx.store.of::<App>().find(Filter::eq("cname", cname).and(Filter::ne("name", &app.name))).await?;
    // An app without router is reached by the provisioner's own all the same.
    let names = |app: &App| -> Vec<String> { app.routers.iter().map(|router| router.name.clone()).collect() };
    let ours = names(app);
    let shares = |other: &App| other.routers.is_empty() || ours.is_empty() || names(other).iter().any(|name| ours.contains(name));
    if let Some(other) = others.iter().find(|other| shares(other)) {
        return Err(Error::refused(format!("cname {cname} already exists for app {} using same router", other.name)));
    }
    if let Some(other) = others.iter().find(|other| other.team_owner != app.team_owner) {
        let text = format!("cname {cname} already exists for another app {} and belongs to a different team owner", other.name);
        return Err(Error::refused(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{is_own_address, is_server};

    #[test]
    fn addresses_of_apps_are_nobodys_cname() {
        let own = |cname| is_own_address("hello.localhost:8888", "hello", cname);
        assert!(own("hello.localhost") && own("other.localhost") && own("*.localhost") && own("other.localhost."));
        assert!(!own("www.example.com") && !own("a.b.localhost") && !own("localhost") && !own("notlocalhost"));
    }

    #[test]
    fn the_servers_own_names_are_nobodys_cname() {
        let own = |cname| is_server("https://paas.example.edu:8080/x", cname);
        assert!(own("localhost") && own("localhost.") && own("127.0.0.1") && own("10.0.0.7") && own("paas.example.edu"));
        assert!(!own("www.example.edu") && !own("example.edu"));
    }
}
