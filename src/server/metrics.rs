//! `/metrics` on an address of its own.

use std::net::TcpListener;

use actix_web::{App as HttpApp, HttpServer, web};

use super::cannot_listen;
use crate::{
    api::{dispatch::not_found, error, system::metrics},
    config::Config,
    context::Context,
    error::Result,
};

/// The address, taken; `None` when metrics are the API's.
pub fn bind(config: &Config) -> Result<Option<TcpListener>> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    TcpListener::bind(address).map(Some).map_err(|e| cannot_listen("metrics-listen", address, &e))
}

/// Answers there, until the process ends.
pub fn serve(ctx: &Context, listener: TcpListener) -> Result<()> {
    let data = web::Data::new(ctx.clone());
    let answer = |ctx: web::Data<Context>| async move { metrics::exposition(&ctx).unwrap_or_else(|e| error::response(&e)) };
    let app = move || {
        HttpApp::new().app_data(data.clone()).route("/metrics", web::get().to(answer)).default_service(web::to(|| async { not_found() }))
    };
    let http = HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run();
    ctx.runtime.spawn(http);
    Ok(())
}
