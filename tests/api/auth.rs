//! Signing on and off.

use super::harness::Server;

#[actix_web::test]
async fn the_first_login_works_and_ends_with_logout() {
    let server = Server::new().await;
    let login = std::fs::read_to_string(server.ctx.config.data_dir.join("first-login.txt")).unwrap();
    let (email, password) = login.trim().split_once('\n').unwrap();
    let path = format!("/1.0/users/{email}/tokens");
    let reply = server.nobody().post(&path).form(&[("password", password)]).send().await.ok(200);
    let caller = server.with_token(reply.json()["token"].as_str().unwrap());
    caller.get("/1.0/info").send().await.ok(200);
    caller.delete("/1.0/users/tokens").send().await.ok(200);
    caller.get("/1.0/info").send().await.fails(401, "You must provide a valid Authorization header");
}

#[actix_web::test]
async fn a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let server = Server::new().await;
    for email in ["admin@example.com", "nobody@example.com"] {
        let path = format!("/1.0/users/{email}/tokens");
        let reply = server.nobody().post(&path).form(&[("password", "wrong-one")]).send().await;
        reply.fails(401, "Authentication failed, wrong password.");
    }
}

#[actix_web::test]
async fn an_empty_password_is_asked_for() {
    let server = Server::new().await;
    let reply = server.nobody().post("/1.0/auth/login").form(&[("email", "admin@example.com")]).send().await;
    reply.fails(400, "you must provide a password to login");
}

#[actix_web::test]
async fn guessing_is_throttled() {
    let server = Server::new().await;
    let mut last = 0;
    for _ in 0..12 {
        let form = [("password", "wrong-one")];
        last = server.nobody().post("/1.0/users/admin@example.com/tokens").form(&form).send().await.status;
    }
    assert_eq!(last, 429);
}

#[actix_web::test]
async fn schemes_are_told_to_anybody() {
    let server = Server::new().await;
    let reply = server.nobody().get("/1.18/auth/schemes").send().await.ok(200);
    assert_eq!(reply.text, "[{\"data\":{},\"default\":true,\"name\":\"native\"}]\n");
}
