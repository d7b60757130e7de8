//! What holds for every request.

use super::harness::Server;

#[actix_web::test]
async fn what_no_route_serves_is_404_and_never_405() {
    let server = Server::new().await;
    for (method, path) in [("GET", "/nothing"), ("PATCH", "/1.0/apps"), ("HEAD", "/1.0/apps"), ("GET", "/1.0/apps/"), ("OPTIONS", "/apps")]
    {
        let reply = server.nobody().request(method, path).send().await;
        assert_eq!((reply.status, reply.header("supported-tsuru")), (404, None), "{method} {path}");
    }
    assert_eq!(server.nobody().get("/nothing").send().await.text, "404 page not found\n");
}

#[actix_web::test]
async fn answers_name_the_oldest_client_that_works() {
    let server = Server::new().await;
    let reply = server.nobody().get("/healthcheck/").send().await.ok(200);
    assert_eq!((reply.text.as_str(), reply.header("supported-tsuru")), ("WORKING", Some("1.0.1")));
}

#[actix_web::test]
async fn a_missing_or_broken_token_is_401_with_its_header() {
    let server = Server::new().await;
    for token in ["", "x", "a b c"] {
        let reply = server.nobody().get("/1.0/apps").header("Authorization", token).send().await;
        assert_eq!(reply.header("www-authenticate"), Some("Bearer realm=\"tsuru\" scope=\"tsuru\""), "{token:?}");
        reply.fails(401, "You must provide a valid Authorization header");
    }
}

#[actix_web::test]
async fn an_unknown_app_is_404_before_anything_else() {
    let server = Server::new().await;
    let user = server.user("nothing@example.com").await;
    user.delete("/1.0/apps/ghost").send().await.fails(404, "App ghost not found.");
    user.post("/1.0/apps/ghost/env").body("application/json", "{").send().await.fails(404, "App ghost not found.");
}
