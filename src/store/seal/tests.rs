use bson::{Binary, bson, doc, spec::BinarySubtype};
use std::os::unix::fs::PermissionsExt;

use super::*;

static APPS: Spec = Spec { name: "apps", indexes: &[], sealed: &["env.*.value", "serviceenvs.*.value", "password", "keys.*", "clientkey"] };
static OTHERS: Spec = Spec { name: "others", ..APPS };

fn sealer() -> Sealer {
    Sealer::new(Key::new([7; 32]))
}

fn app() -> Doc {
    doc! {
        "_id": 1, "name": "secret-free", "password": "hush",
        "env": {"A.B": {"name": "A", "value": "hush"}, "C": {"value": ""}, "D": {"value": null}},
        "serviceenvs": [{"value": "hush"}, {"name": "no value"}],
        "keys": ["hush", "hush"],
        "clientkey": Binary { subtype: BinarySubtype::Generic, bytes: b"hush".to_vec() },
    }
}

#[test]
fn secret_fields_are_sealed_and_open_again() {
    let sealed = sealer().seal(&APPS, app()).unwrap();
    assert!(!String::from_utf8_lossy(&sealed.to_vec().unwrap()).contains("hush"));
    assert_eq!(sealed.get_str("name").unwrap(), "secret-free");
    assert_eq!(sealed.get_document("env").unwrap().get_document("C").unwrap(), &doc! {"value": ""});
    assert_eq!(sealer().open(&APPS, sealed).unwrap(), app());
}

#[test]
fn what_was_never_sealed_is_read_as_it_is() {
    assert_eq!(sealer().open(&APPS, app()).unwrap(), app());
    assert_eq!(Sealer::clear().seal(&APPS, app()).unwrap(), app());
}

#[test]
fn a_sealed_value_opens_only_in_its_own_place() {
    let sealed = sealer().seal(&APPS, app()).unwrap();
    let stolen = sealed.get_str("password").unwrap();
    let opens = |spec, doc| sealer().open(spec, doc).is_ok();
    assert!(opens(&APPS, doc! {"_id": 1, "password": stolen}));
    assert!(!opens(&APPS, doc! {"_id": 2, "password": stolen}));
    assert!(!opens(&APPS, doc! {"_id": 1, "env": {"X": {"value": stolen}}}));
    assert!(!opens(&OTHERS, doc! {"_id": 1, "password": stolen}));
    assert!(!opens(&APPS, doc! {"_id": 1, "password": format!("{stolen}AAAA")}));
}

#[test]
fn a_fault_names_collection_and_field_but_no_value() {
    let sealed = sealer().seal(&APPS, doc! {"_id": 1, "password": "hush"}).unwrap();
    let fault = Sealer::new(Key::new([8; 32])).open(&APPS, sealed.clone()).unwrap_err().to_string();
    assert_eq!(fault, format!("apps: password cannot be opened: the key {} is not here", Key::new([7; 32]).id()));
    let older = Sealer::new(Key::new([8; 32])).and_opens(Key::new([7; 32]));
    assert_eq!(older.open(&APPS, sealed).unwrap(), doc! {"_id": 1, "password": "hush"});
}

fn update(filter: Filter, update: Update) -> Result<Update> {
    sealer().seal_update(&APPS, &filter, update)
}

#[test]
fn an_update_seals_what_it_sets_at_and_above_secret_fields() {
    for (change, path) in [
        (Update::set("password", "hush"), "password"),
        (Update::set("env.A.value", "hush"), "env"),
        (Update::set("env.A", bson!({"value": "hush"})), "env"),
        (Update::set("env", bson!({"A": {"value": "hush"}})), "env"),
        (Update::default().and_set_on_insert("serviceenvs.0.value", "hush"), "serviceenvs"),
        (Update::push("serviceenvs", bson!({"value": "hush"})), "serviceenvs"),
        (Update::push("keys", "hush"), "keys"),
    ] {
        let sealed = update(Filter::id(1).and(Filter::eq("a", 1)), change.clone()).unwrap();
        assert!(!format!("{sealed:?}").contains("hush"), "{sealed:?}");
        let stored = evaluate::made(&Filter::id(1), &sealed).unwrap();
        let clear = evaluate::made(&Filter::id(1), &change).unwrap();
        assert_eq!(sealer().open(&APPS, stored).unwrap().get(path), clear.get(path));
    }
}

#[test]
fn an_update_of_a_secret_must_name_its_document() {
    let fault = update(Filter::eq("name", "x"), Update::set("password", "hush")).unwrap_err().to_string();
    assert_eq!(fault, "apps: password: an update of sealed values must name its document by _id");
    assert!(update(Filter::eq("name", "x"), Update::set("pool", "p").and_unset("env.A")).is_ok());
    assert!(update(Filter::eq("name", "x"), Update::set("env", bson!({}))).is_ok());
}

#[test]
fn secrets_cannot_be_found_by_value_nor_changed_in_part() {
    for bad in [
        Update::pull("keys", "hush"),
        Update::pull("serviceenvs", bson!({"value": "hush"})),
        Update::add_to_set("keys", "hush"),
        Update::inc("password", 1),
        Update::push("password", "x"),
        Update::set("password.part", "x"),
        Update::unset("env.A.value.part"),
    ] {
        assert!(update(Filter::id(1), bad.clone()).is_err(), "{bad:?}");
    }
}

#[test]
fn a_key_file_is_made_once_and_only_its_owner_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    let made = Key::load_or_create(&file).unwrap();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read(&file).unwrap().len(), 32);
    assert_eq!(Key::load_or_create(&file).unwrap().id(), made.id());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn a_key_comes_from_hexadecimal_or_base64_text() {
    let hex = "07".repeat(32);
    let base64 = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    assert_eq!(Key::from_text(&hex).unwrap().id(), Key::new([7; 32]).id());
    assert_eq!(Key::from_text(base64).unwrap().id(), Key::new([7; 32]).id());
    assert!(Key::from_text("short").is_err());
    assert!(!format!("{:?}", Key::new([7; 32])).contains("07, "));
}
