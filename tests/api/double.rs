//! Doubles of other people's servers, each on a socket of its own.

use std::{net::TcpListener, time::Duration};

use actix_web::{App, FromRequest, Handler, HttpServer, Responder, web};

/// Connections that nobody uses.
const KEPT: Duration = Duration::from_secs(120);

/// Answers every request so until the test's runtime stops; its URL.
pub fn serve<D, F, Args>(data: web::Data<D>, answer: F) -> String
where
    D: Send + Sync + 'static,
    F: Handler<Args> + Send,
    F::Output: Responder + 'static,
    Args: FromRequest + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    run(listener, move |app| {
        app.app_data(data.clone()).default_service(web::to(answer.clone()));
    });
    url
}

/// Answers on this socket, with an app made so, until the test's runtime stops.
pub fn run(listener: TcpListener, configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) {
    let server = HttpServer::new(move || App::new().configure(&configure));
    // A machine that stands still for a while is no client that is slow, and none that has gone.
    let server = server.workers(1).disable_signals().client_request_timeout(Duration::ZERO).keep_alive(KEPT);
    actix_web::rt::spawn(server.listen(listener).unwrap().run());
}
