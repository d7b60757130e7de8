//! What actix can do at most: a route that sends bytes from memory.

use std::{fs::read, path::Path};

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{Bytes, Data, to},
};

use crate::Result;

/// Sends the file's bytes to every request.
pub fn serve(port: &str, file: &Path) -> Result<()> {
    let port: u16 = port.parse().map_err(|error| format!("{port}: {error}"))?;
    let bytes = Data::new(Bytes::from(read(file).map_err(|error| format!("{}: {error}", file.display()))?));
    let app = move || App::new().app_data(bytes.clone()).default_service(to(answer));
    let run = async { HttpServer::new(app).bind(("127.0.0.1", port))?.run().await };
    actix_web::rt::System::new().block_on(run).map_err(|error| error.to_string())
}

async fn answer(bytes: Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(bytes.get_ref().clone())
}
