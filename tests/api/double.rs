//! Doubles of other people's servers, each on a socket of its own.

use actix_web::{App, FromRequest, Handler, HttpServer, Responder, web};

/// Answers every request so until the test's runtime stops; its URL.
pub fn serve<D, F, Args>(data: web::Data<D>, answer: F) -> String
where
    D: Send + Sync + 'static,
    F: Handler<Args> + Send,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer.clone())));
    let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", server.addrs()[0]);
    actix_web::rt::spawn(server.run());
    url
}
