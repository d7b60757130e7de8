//! Who calls: in every context a user, with a session and with an API key, and a team token; and those whom nobody lets in.

use impaas::{
    auth::{
        session::{self, Session},
        team_token::TeamToken,
        token,
    },
    clock::Time,
    permission::{Role, role::RoleInstance},
    quota::Quota,
    secret::Secret,
    store::{Filter, Store, Update},
    user::User,
};

use super::world::{KINDS, Kind, Known, World};

/// What somebody shows at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Session,
    ApiKey,
    TeamToken,
    ExpiredSession,
    RevokedSession,
    ExpiredTeamToken,
    RevokedTeamToken,
    SessionOfDisabled,
    ApiKeyOfDisabled,
    Nonsense,
    Nothing,
}

/// Those whom nobody lets in.
pub const STRANGERS: [Shown; 8] = [
    Shown::ExpiredSession,
    Shown::RevokedSession,
    Shown::ExpiredTeamToken,
    Shown::RevokedTeamToken,
    Shown::SessionOfDisabled,
    Shown::ApiKeyOfDisabled,
    Shown::Nonsense,
    Shown::Nothing,
];

/// Somebody who holds the matrix's permissions in this context.
pub struct Who {
    pub shown: Shown,
    pub context: Known,
    pub token: Option<String>,
}

/// Everybody.
pub async fn everybody(store: &Store) -> Vec<Who> {
    let global = Known { kind: Kind::Global, value: String::new() };
    let mut all = Vec::new();
    for (number, context) in contexts().into_iter().enumerate() {
        role(store, context.kind).await;
        for shown in [Shown::Session, Shown::ApiKey, Shown::TeamToken] {
            let token = Some(let_in(store, &format!("caller-{number}-{shown:?}"), shown, &context).await);
            all.push(Who { shown, context: context.clone(), token });
        }
    }
    for shown in STRANGERS {
        let token = stranger(store, &format!("stranger-{shown:?}"), shown, &global).await;
        all.push(Who { shown, context: global.clone(), token });
    }
    all
}

/// Everything, and of each kind what is the caller's and what is somebody else's.
fn contexts() -> Vec<Known> {
    let mut all = vec![Known { kind: Kind::Global, value: String::new() }];
    for world in [World::Own, World::Other] {
        all.extend(KINDS.map(|kind| Known { kind, value: world.context(kind) }));
        all.push(Known { kind: Kind::ServiceInstance, value: world.name("instance") });
        all.push(Known { kind: Kind::Team, value: world.name("client") });
        all.push(Known { kind: Kind::Service, value: world.name("closed") });
    }
    all
}

fn role_name(kind: Kind) -> String {
    format!("matrix-{kind}")
}

async fn role(store: &Store, kind: Kind) {
    if store.of::<Role>().count(Filter::eq("_id", role_name(kind))).await.unwrap() == 0 {
        let role = Role {
            name: role_name(kind),
            context_type: kind,
            description: String::new(),
            scheme_names: vec![],
            dynamic_scheme_names: vec![],
            events: vec![],
            renamed_from: None,
        };
        store.of::<Role>().insert(&role).await.unwrap();
    }
}

/// From now on the callers in contexts of this kind hold these.
pub async fn hold(store: &Store, kind: Kind, held: &[String]) {
    let names: Vec<&str> = held.iter().map(|name| if name.is_empty() { "*" } else { name.as_str() }).collect();
    store.of::<Role>().update(Filter::eq("_id", role_name(kind)), Update::set("schemenames", names)).await.unwrap().unwrap();
}

async fn let_in(store: &Store, name: &str, shown: Shown, context: &Known) -> String {
    match shown {
        Shown::TeamToken => team_token(store, name, context, Time::zero()).await,
        Shown::ApiKey => user(store, name, context, false).await.1,
        _ => {
            let (email, _) = user(store, name, context, false).await;
            session::open(store, &email, 7).await.unwrap().expose().to_owned()
        }
    }
}

async fn stranger(store: &Store, name: &str, shown: Shown, context: &Known) -> Option<String> {
    match shown {
        Shown::Nothing => None,
        Shown::Nonsense => Some("nonsense".into()),
        Shown::ExpiredTeamToken => Some(team_token(store, name, context, Time::from_millis(1000)).await),
        Shown::RevokedTeamToken => {
            let token = team_token(store, name, context, Time::zero()).await;
            store.of::<TeamToken>().delete(Filter::eq("tokenhash", token::digest(&token))).await.unwrap();
            Some(token)
        }
        Shown::ApiKeyOfDisabled => Some(user(store, name, context, true).await.1),
        Shown::SessionOfDisabled => {
            let (email, _) = user(store, name, context, true).await;
            Some(session::open(store, &email, 7).await.unwrap().expose().to_owned())
        }
        _ => {
            let (email, _) = user(store, name, context, false).await;
            let token = session::open(store, &email, 7).await.unwrap().expose().to_owned();
            if shown == Shown::RevokedSession {
                session::close(store, &token).await.unwrap();
            } else {
                let past = Update::set("creation", Time::from_millis(1000)).and_set("expires", 1);
                store.of::<Session>().update(Filter::eq("token", token::kept(store, &token)), past).await.unwrap().unwrap();
            }
            Some(token)
        }
    }
}

/// E-mail and API key.
async fn user(store: &Store, name: &str, context: &Known, disabled: bool) -> (String, String) {
    let mut user = User::new(&format!("{name}@example.net").to_lowercase(), String::new(), Quota::unlimited());
    let key = token::generate();
    user.api_key_hash = token::digest(key.expose());
    user.api_key = Secret::new(key.expose());
    user.roles = vec![RoleInstance { name: role_name(context.kind), context_value: context.value.clone() }];
    user.disabled = disabled;
    store.of::<User>().insert(&user).await.unwrap();
    (user.email, key.expose().to_owned())
}

async fn team_token(store: &Store, name: &str, context: &Known, ends: Time) -> String {
    let clear = token::generate();
    let made = TeamToken {
        id: bson::oid::ObjectId::new(),
        token_hash: token::digest(clear.expose()),
        token: Secret::new(clear.expose()),
        token_id: name.to_lowercase(),
        description: String::new(),
        created_at: Time::now(),
        expires_at: ends,
        last_access: Time::zero(),
        creator_email: String::new(),
        team: "guest-team".into(),
        roles: vec![RoleInstance { name: role_name(context.kind), context_value: context.value.clone() }],
    };
    store.of::<TeamToken>().insert(&made).await.unwrap();
    clear.expose().to_owned()
}
