use std::{collections::BTreeSet, io::Write, os::unix::fs::MetadataExt, path::PathBuf};

use flate2::{Compression, write::GzEncoder};
use proptest::prelude::*;
use tar::Header;

use super::*;

/// One entry, written as given: no check of the tar library comes between.
#[derive(Clone, Debug)]
struct Item {
    kind: u8,
    path: String,
    link: String,
    data: Vec<u8>,
    mode: u32,
    mtime: u64,
}

fn item(kind: u8, path: &str, link: &str) -> Item {
    Item { kind, path: path.into(), link: link.into(), data: Vec::new(), mode: 0o644, mtime: 1_600_000_000 }
}

fn file(path: &str, data: &str) -> Item {
    Item { data: data.into(), ..item(b'0', path, "") }
}

fn folder(path: &str) -> Item {
    Item { mode: 0o755, ..item(b'5', path, "") }
}

fn link(path: &str, target: &str) -> Item {
    item(b'2', path, target)
}

fn hard(path: &str, target: &str) -> Item {
    item(b'1', path, target)
}

fn tar_of(items: &[Item]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        for (kind, text) in [(b'L', &item.path), (b'K', &item.link)] {
            if text.len() > 100 {
                out.extend(block(kind, "././@LongLink", "", text.as_bytes(), (0, 0)));
            }
        }
        out.extend(block(item.kind, &item.path, &item.link, &item.data, (item.mode, item.mtime)));
    }
    out.extend([0; 1024]);
    out
}

fn block(kind: u8, path: &str, link: &str, data: &[u8], (mode, mtime): (u32, u64)) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let mut field = |range: std::ops::Range<usize>, text: &str| {
        let bytes = &text.as_bytes()[..text.len().min(100)];
        header.as_mut_bytes()[range][..bytes.len()].copy_from_slice(bytes);
    };
    field(0..100, path);
    field(157..257, link);
    header.as_mut_bytes()[156] = kind;
    header.set_size(data.len() as u64);
    header.set_mode(mode);
    header.set_mtime(mtime);
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder of its own in which `app` is the place to unpack to.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.0.path().join("outside"), "untouched").unwrap();
        place
    }

    fn app(&self) -> PathBuf {
        self.0.path().join("app")
    }

    fn unpack(&self, bytes: &[u8], limits: &Limits) -> Result<()> {
        let upload = tempfile::NamedTempFile::new().unwrap();
        fs::write(upload.path(), bytes).unwrap();
        unpack(upload.path(), &self.app(), limits)
    }

    fn names(&self) -> BTreeSet<String> {
        fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.app().join(path)).unwrap()
    }
}

fn unpacked(items: &[Item]) -> Place {
    let place = Place::new();
    place.unpack(&gzip(&tar_of(items)), &Limits::default()).unwrap();
    place
}

/// The text of the refusal; that nothing is left is checked each time.
fn refused_with(bytes: &[u8], limits: &Limits) -> String {
    let place = Place::new();
    let error = place.unpack(bytes, limits).unwrap_err();
    assert_eq!(place.names(), BTreeSet::from(["outside".to_owned()]), "something is left behind");
    assert_eq!(fs::read_to_string(place.0.path().join("outside")).unwrap(), "untouched");
    assert!(matches!(error, Error::Invalid(_) | Error::TooLarge(_)), "{error:?}");
    error.to_string()
}

fn refused(items: &[Item]) -> String {
    refused_with(&gzip(&tar_of(items)), &Limits::default())
}

#[test]
fn an_upload_arrives_with_its_modes_and_times() {
    let script = Item { mode: 0o6777, ..file("bin/run.sh", "#!/bin/sh") };
    let dir = Item { mtime: 1_500_000_000, ..folder("./static/") };
    let place =
        unpacked(&[folder("./"), dir, file("./static/a.txt", "a"), script, link("now", "static/a.txt"), hard("b.txt", "static/a.txt")]);
    assert_eq!(place.read("now"), "a");
    assert_eq!(place.read("b.txt"), "a");
    let run = fs::metadata(place.app().join("bin/run.sh")).unwrap();
    assert_eq!((run.mode() & 0o7777, run.mtime()), (0o755, 1_600_000_000));
    assert_eq!(fs::metadata(place.app().join("static/a.txt")).unwrap().mode() & 0o7777, 0o644);
    assert_eq!(fs::metadata(place.app().join("static")).unwrap().mtime(), 1_500_000_000);
    assert_eq!(fs::metadata(place.app()).unwrap().mode() & 0o7777, 0o755);
    assert_eq!(place.names().len(), 2);
}

#[test]
fn a_plain_tar_and_the_tar_librarys_long_names_are_read() {
    let long = format!("{}/file", "d".repeat(200));
    let place = Place::new();
    place.unpack(&tar_of(&[file(&long, "x")]), &Limits::default()).unwrap();
    assert_eq!(place.read(&long), "x");
}

#[test]
fn pax_headers_are_understood() {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", "pax-name".as_bytes()), ("comment", b"by git archive")]).unwrap();
    let mut header = Header::new_ustar();
    header.set_size(1);
    header.set_mode(0o644);
    builder.append_data(&mut header, "short", "x".as_bytes()).unwrap();
    let mut bytes = block(b'g', "pax_global_header", "", b"12 comment=\n", (0, 0));
    bytes.extend(builder.into_inner().unwrap());
    let place = Place::new();
    place.unpack(&gzip(&bytes), &Limits::default()).unwrap();
    assert_eq!(place.read("pax-name"), "x");
}

#[test]
fn paths_that_leave_the_folder_are_refused_by_name() {
    assert_eq!(refused(&[file("ok", "x"), file("a/../../evil", "x")]), "archive entry \"a/../../evil\": `..` in its path");
    assert_eq!(refused(&[file("/etc/evil", "x")]), "archive entry \"/etc/evil\": absolute path");
    assert!(refused(&[folder("../up")]).contains("`..` in its path"));
    assert!(refused(&[folder("a/.."), file("x", "y")]).contains("`..` in its path"));
}

#[test]
fn links_that_lead_outside_are_refused() {
    assert_eq!(refused(&[link("l", "/etc/passwd")]), "archive entry \"l\": a link to \"/etc/passwd\", outside of the archive");
    assert!(refused(&[link("a/l", "../../outside")]).contains("outside of the archive"));
    assert!(refused(&[link("l", "..")]).contains("outside of the archive"));
    assert!(refused(&[link("self", "self")]).contains("outside of the archive"));
    // Each of the two looks harmless by its text: only together they lead out.
    assert!(refused(&[link("a/b/root", "../.."), link("l", "a/b/root/../outside")]).contains("\"l\""));
    assert!(refused(&[link("l", "a/b/root/../outside"), link("a/b/root", "../..")]).contains("\"l\""));
}

#[test]
fn links_inside_may_dangle_and_climb() {
    let place = unpacked(&[file("a/b/c", "x"), link("a/l", "../a/./b/c"), link("gone", "not/there/../yet"), link("root", "a/..")]);
    assert_eq!(place.read("a/l"), "x");
    assert_eq!(place.read("root/a/b/c"), "x");
}

#[test]
fn nothing_is_written_through_a_link() {
    assert!(refused(&[link("d", "."), file("d/x", "x")]).contains("goes through \"d\""));
    assert!(refused(&[link("d", ".."), file("d/outside", "x")]).contains("goes through \"d\""));
    assert!(refused(&[link("d", "/tmp"), folder("d/x/")]).contains("goes through \"d\""));
    assert!(refused(&[link("d", ".."), hard("h", "d/outside")]).contains("no earlier file"));
    // The link itself is replaced, what it pointed to stays.
    let place = unpacked(&[link("l", "../outside"), file("l", "mine")]);
    assert_eq!(place.read("l"), "mine");
    assert_eq!(fs::read_to_string(place.0.path().join("outside")).unwrap(), "untouched");
}

#[test]
fn hard_links_reach_only_earlier_files() {
    for target in ["../outside", "/etc/passwd", "later", "d", ".", ""] {
        assert!(refused(&[folder("d"), hard("h", target), file("later", "x")]).contains("archive entry \""), "{target}");
    }
    assert!(refused(&[link("l", "x"), hard("h", "l")]).contains("no earlier file"));
    // Writing a name again does not write through its other names.
    let place = unpacked(&[file("a", "old"), hard("b", "a"), file("b", "new")]);
    assert_eq!((place.read("a").as_str(), place.read("b").as_str()), ("old", "new"));
}

#[test]
fn devices_and_other_kinds_are_refused() {
    for kind in [b'3', b'4', b'6', b'V', b'M'] {
        assert!(refused(&[item(kind, "dev", "")]).contains("neither a file, a folder nor a link"));
    }
}

#[test]
fn the_last_of_a_repeated_entry_stays() {
    let place = unpacked(&[file("a", "1"), file("./a", "2"), folder("d"), folder("d/"), file("f", "x"), folder("f"), file("f/y", "z")]);
    assert_eq!(place.read("a"), "2");
    assert_eq!(place.read("f/y"), "z");
    assert!(refused(&[file("d/x", "x"), file("d", "y")]).contains("also a folder"));
    assert!(refused(&[file("d/x", "x"), link("d", "e")]).contains("also a folder"));
    assert!(refused(&[file("f", "x"), file("f/y", "y")]).contains("which is no folder"));
}

#[test]
fn limits_end_bombs() {
    let tight = Limits { max_bytes: 1000, max_entries: 10, max_path: 50, max_ratio: 250 };
    let with = |items: &[Item]| refused_with(&gzip(&tar_of(items)), &tight);
    assert_eq!(with(&[file("ok", "x"), file("big", &"x".repeat(1000))]), "archive entry \"big\": more than 1000 bytes when unpacked");
    let many: Vec<Item> = (0..11).map(|i| file(&i.to_string(), "")).collect();
    assert_eq!(with(&many), "archive with more than 10 entries");
    assert!(with(&[file(&"a/".repeat(20), "")]).contains("too many files"));
    assert!(with(&[file(&"p".repeat(51), "")]).contains("path longer than 50 bytes"));
    assert!(refused(&[file(&"n".repeat(256), "")]).contains("name longer than 255 bytes"));
    assert!(refused(&[file(&"d/".repeat(200), "")]).contains("folders deep"));
}

#[test]
fn a_ratio_that_only_bombs_have_is_refused() {
    let zeros = Item { data: vec![0; 40 << 20], ..file("zeros", "") };
    let bomb = gzip(&tar_of(&[zeros]));
    let limits = Limits { max_ratio: 100, ..Limits::default() };
    assert_eq!(refused_with(&bomb, &limits), "archive entry \"zeros\": more than 100 bytes from each byte of the upload");
}

#[test]
fn a_header_cannot_fill_the_memory() {
    let mut bytes = block(b'L', "././@LongLink", "", &vec![b'a'; 4 << 20], (0, 0));
    bytes.extend(tar_of(&[file("x", "y")]));
    assert_eq!(refused_with(&gzip(&bytes), &Limits::default()), "archive with headers that are too large");
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let text = "app source data must be a GZIP compressed file: gzip: invalid header";
    assert_eq!(refused_with(b"this is no archive", &Limits::default()), text);
    assert_eq!(refused_with(b"", &Limits::default()), text);
    assert_eq!(refused_with(&[b'x'; 600], &Limits::default()), text);
    assert!(refused_with(&gzip(&[b'x'; 600]), &Limits::default()).starts_with("the archive is damaged or cut off"));
}

#[test]
fn a_cut_or_damaged_upload_is_refused() {
    let mut noise = 7u32;
    let data: String = (0..5000)
        .map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(9);
            char::from(b'a' + (noise >> 24) as u8 % 26)
        })
        .collect();
    let whole = gzip(&tar_of(&[file("a", &data)]));
    for end in [20, whole.len() / 2, whole.len() - 1] {
        assert!(refused_with(&whole[..end], &Limits::default()).contains("the archive"), "cut at {end}");
    }
    let mut wrong_sum = whole.clone();
    let at = wrong_sum.len() - 6;
    wrong_sum[at] ^= 1;
    assert!(refused_with(&wrong_sum, &Limits::default()).contains("damaged"));
    let plain = tar_of(&[file("a", &data)]);
    assert!(refused_with(&plain[..1000], &Limits::default()).contains("archive"));
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.app()).unwrap();
    place.unpack(&tar_of(&[file("a", "1")]), &Limits::default()).unwrap();
    assert!(place.unpack(&tar_of(&[file("b", "2")]), &Limits::default()).is_err());
    assert_eq!(place.read("a"), "1");
    assert_eq!(place.names().len(), 2);
}

fn hostile_path() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec!["a", "b", "l", "..", ".", "", "outside", "app", "tmp"]);
    (prop::bool::weighted(0.1), prop::collection::vec(part, 1..5))
        .prop_map(|(root, parts)| format!("{}{}", if root { "/" } else { "" }, parts.join("/")))
}

fn hostile_item() -> impl Strategy<Value = Item> {
    let kind = prop::sample::select(b"0000555522222111".to_vec());
    (kind, hostile_path(), hostile_path(), "[a-z]{0,3}", any::<u32>(), any::<u64>()).prop_map(|(kind, path, link, data, mode, mtime)| {
        let data = if kind == b'0' { data.into_bytes() } else { Vec::new() };
        Item { kind, path, link, data, mode: mode & 0o7777, mtime: mtime >> 32 }
    })
}

/// Every name below, without following a link; and that no link among them leads out of the folder.
fn assert_contained(root: &Path, dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        assert_eq!(entry.metadata().unwrap().mode() & 0o6000, 0);
        if kind.is_dir() {
            assert_contained(root, &entry.path());
        } else if let Ok(real) = fs::canonicalize(entry.path()) {
            assert!(real.starts_with(root), "{:?} leads to {real:?}", entry.path());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn hostile_archives_write_nothing_outside_and_leave_nothing_behind(items in prop::collection::vec(hostile_item(), 1..8)) {
        let place = Place::new();
        let result = place.unpack(&tar_of(&items), &Limits::default());
        let mut expected = BTreeSet::from(["outside".to_owned()]);
        match result {
            Ok(()) => {
                expected.insert("app".into());
                let root = fs::canonicalize(place.app()).unwrap();
                assert_contained(&root, &root);
            }
            Err(e) => prop_assert!(matches!(e, Error::Invalid(_)), "{:?}", e),
        }
        prop_assert_eq!(place.names(), expected);
        prop_assert_eq!(fs::read_to_string(place.0.path().join("outside")).unwrap(), "untouched");
    }

    #[test]
    fn damaged_bytes_never_panic_or_leave_something(items in prop::collection::vec(hostile_item(), 1..4), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = tar_of(&items);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        for bytes in [gzip(&bytes), bytes] {
            let place = Place::new();
            let done = place.unpack(&bytes, &Limits { max_bytes: 1 << 20, ..Limits::default() });
            prop_assert_eq!(place.names().len(), 1 + usize::from(done.is_ok()));
        }
    }
}
