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
async fn an_email_is_asked_for() {
    let server = Server::new().await;
    let reply = server.nobody().post("/1.0/auth/login").form(&[("password", "x")]).send().await;
    reply.fails(400, "you must provide a email to login");
}

#[actix_web::test]
async fn guessing_is_throttled_for_known_and_unknown_users_alike() {
    let server = Server::new().await;
    for email in ["admin@example.com", "nobody@example.com"] {
        let path = format!("/1.0/users/{email}/tokens");
        let guess = || server.nobody().post(&path).form(&[("password", "wrong-one")]).send();
        for _ in 0..10 {
            guess().await.fails(401, "Authentication failed, wrong password.");
        }
        guess().await.fails(429, "Too many failed logins, please try again in a few minutes.");
    }
}

#[actix_web::test]
async fn guesses_at_the_same_time_are_no_way_around_the_limit() {
    let server = Server::new().await;
    let guess = || server.nobody().post("/1.0/users/admin@example.com/tokens").form(&[("password", "wrong-one")]).send();
    let all = futures_util::future::join_all((0..20).map(|_| guess())).await;
    assert_eq!(all.iter().filter(|reply| reply.status == 401).count(), 10);
    assert_eq!(all.iter().filter(|reply| reply.status == 429).count(), 10);
}

#[actix_web::test]
async fn schemes_are_told_to_anybody() {
    let server = Server::new().await;
    let reply = server.nobody().get("/1.18/auth/schemes").send().await.ok(200);
    assert_eq!(reply.text, "[{\"name\":\"native\",\"default\":true,\"data\":{}}]\n");
    let one = server.nobody().get("/auth/scheme").send().await.ok(200);
    assert_eq!(one.text, "{\"name\":\"native\",\"data\":{}}\n");
}
