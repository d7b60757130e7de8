//! Many things, so that what grows with them shows.

use bson::{Document, doc, oid::ObjectId};
use impaas::{
    app::App,
    auth::team_token::TeamToken,
    event::Event,
    quota::Quota,
    store::{Document as Stored, Filter, Store},
    team::Team,
    user::User,
    volume::Volume,
};

/// The event of this kind about an app.
pub async fn event(store: &Store, kind: &str, app: &str) -> Event {
    store.of::<Event>().get(Filter::eq("kind.name", kind).and(Filter::eq("target.value", app))).await.unwrap().unwrap()
}

/// So many apps, teams, users, volumes, tokens and events.
pub async fn fill(store: &Store, number: usize) {
    for n in 0..number {
        let (name, email, now) = (format!("x-{n}"), format!("x-{n}@example.com"), bson::DateTime::now());
        let app = doc! {"_id": ObjectId::new(), "name": &name, "teams": ["demo"], "teamowner": "demo", "pool": "local", "owner": &email};
        let token = doc! {"_id": ObjectId::new(), "token": &name, "tokenhash": &name, "token_id": &name, "created_at": now, "team": "demo"};
        add::<App>(store, app).await;
        add::<TeamToken>(store, token).await;
        add::<Team>(store, doc! {"_id": &name, "creatinguser": &email, "tags": [], "quota": {"limit": -1, "inuse": 0}}).await;
        add::<Volume>(store, doc! {"_id": &name, "pool": "local", "teamowner": "demo"}).await;
        add::<Event>(store, past_event(&name, &email)).await;
        store.of::<User>().insert(&User::new(&email, String::new(), Quota::unlimited())).await.unwrap();
    }
}

fn past_event(app: &str, owner: &str) -> Document {
    let (id, now) = (ObjectId::new(), bson::DateTime::now());
    doc! {
        "_id": id, "uniqueid": id, "starttime": now, "endtime": now, "running": false,
        "target": {"type": "app", "value": app}, "kind": {"type": "permission", "name": "app.update"}, "owner": {"type": "user", "name": owner},
        "allowed": {"scheme": "app.read.events", "contexts": [{"ctxtype": "app", "value": app}]},
    }
}

async fn add<T: Stored>(store: &Store, document: Document) {
    store.of::<T>().insert(&bson::deserialize_from_document(document).unwrap()).await.unwrap();
}
