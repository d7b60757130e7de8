//! The folder that grows while an archive is unpacked. No operation here ever follows a link.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs::{self, DirBuilder, File, FileTimes, OpenOptions, Permissions},
    io::ErrorKind,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink},
    },
    path::{Component, Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use crate::error::{Error, Result};

const MAX_NAME: usize = 255;
/// Deep trees cost a descriptor a level when they are removed again.
const MAX_DEPTH: usize = 128;
/// Folders are remembered by path until the end.
const FOLDER_BYTES: usize = 32 << 20;
/// The start of the year 2100: later times are a mistake that some filesystems do not store.
const LATEST: u64 = 4_102_444_800;

/// What the archive says of a folder.
#[derive(Clone, Copy)]
struct Said {
    mode: u32,
    seconds: u64,
}

/// A folder being filled. It knows the folders in it, which stay folders; everything else can be replaced.
pub struct Tree {
    root: PathBuf,
    folders: HashMap<PathBuf, Option<Said>>,
    folder_bytes: usize,
    left: u64,
}

/// An entry that is not unpacked, by its name.
pub fn refusal(path: &Path, why: &str) -> Error {
    Error::invalid(format!("archive entry {path:?}: {why}"))
}

/// What the disk refused; a full one is no fault of the archive and can be tried again.
pub fn refused_write(e: std::io::Error) -> Error {
    match e.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::unavailable("no space left to unpack the archive, try again later"),
        _ => e.into(),
    }
}

/// The plain path of an entry under the root: no `..`, not absolute, not too long. Empty for the root itself.
pub fn relative(raw: &[u8], max_path: usize) -> Result<PathBuf> {
    let given = Path::new(OsStr::from_bytes(raw));
    if raw.len() > max_path {
        let start = Path::new(OsStr::from_bytes(raw.get(..64).unwrap_or(raw)));
        return Err(refusal(start, &format!("path longer than {max_path} bytes")));
    }
    if raw.contains(&0) {
        return Err(refusal(given, "zero byte in its name"));
    }
    let mut path = PathBuf::new();
    if given.components().count() > MAX_DEPTH {
        return Err(refusal(given, &format!("more than {MAX_DEPTH} folders deep")));
    }
    for component in given.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(name) if name.len() > MAX_NAME => return Err(refusal(given, "name longer than 255 bytes")),
            Component::Normal(name) => path.push(name),
            Component::ParentDir => return Err(refusal(given, "`..` in its path")),
            Component::RootDir | Component::Prefix(_) => return Err(refusal(given, "absolute path")),
        }
    }
    Ok(path)
}

/// Sets when a file was last changed.
pub fn stamp(file: &File, seconds: u64) -> Result<()> {
    let time = UNIX_EPOCH + Duration::from_secs(seconds.min(LATEST));
    file.set_times(FileTimes::new().set_accessed(time).set_modified(time)).map_err(refused_write)
}

impl Tree {
    /// An empty folder, in which no more than so many things are made.
    pub fn new(root: &Path, max_entries: u64) -> Self {
        Self { root: root.into(), folders: HashMap::from([(PathBuf::new(), None)]), folder_bytes: 0, left: max_entries }
    }

    /// A folder; its mode and time are set at the end, after all is in it.
    pub fn folder(&mut self, path: &Path, mode: u32, seconds: u64) -> Result<()> {
        if !self.folders.contains_key(path) {
            self.parents(path)?;
            self.make_folder(path)?;
        }
        if let Some(said) = self.folders.get_mut(path) {
            *said = Some(Said { mode, seconds });
        }
        Ok(())
    }

    /// A new empty file in place of whatever had its name. Kept of its mode: the owner's and the exec bits.
    pub fn file(&mut self, path: &Path, mode: u32) -> Result<File> {
        let full = self.make_room(path)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(full).map_err(refused_write)?;
        file.set_permissions(Permissions::from_mode(mode & 0o755 | 0o600))?;
        Ok(file)
    }

    /// A symbolic link; where it leads is checked when all is there.
    pub fn symlink(&mut self, path: &Path, target: &[u8]) -> Result<()> {
        let target = OsStr::from_bytes(target);
        if target.len() >= 4096 {
            return Err(refusal(path, "a link with too long a target"));
        }
        symlink(target, self.make_room(path)?).map_err(refused_write)
    }

    /// A second name of a file that came earlier.
    pub fn hard_link(&mut self, path: &Path, target: &Path) -> Result<()> {
        let missing = || refusal(path, &format!("a hard link to {target:?}, which is no earlier file of the archive"));
        let inside = target.parent().is_some_and(|parent| self.folders.contains_key(parent));
        let source = self.root.join(target);
        if !inside || !fs::symlink_metadata(&source).is_ok_and(|found| found.is_file()) {
            return Err(missing());
        }
        if path == target {
            return Ok(());
        }
        fs::hard_link(source, self.make_room(path)?).map_err(refused_write)
    }

    /// Modes and times of the folders, the inner ones first.
    pub fn finish(self) -> Result<()> {
        let mut said: Vec<_> = self.folders.iter().filter_map(|(path, said)| Some((path, (*said)?))).collect();
        said.sort_by(|a, b| b.0.cmp(a.0));
        for (path, Said { mode, seconds }) in said.into_iter().filter(|(path, _)| !path.as_os_str().is_empty()) {
            let folder = File::open(self.root.join(path))?;
            folder.set_permissions(Permissions::from_mode(mode & 0o755 | 0o700))?;
            stamp(&folder, seconds)?;
        }
        Ok(())
    }

    /// The full path of a new entry, with its folders made and nothing at its place.
    fn make_room(&mut self, path: &Path) -> Result<PathBuf> {
        if self.folders.contains_key(path) {
            return Err(refusal(path, "it is also a folder of the archive"));
        }
        self.parents(path)?;
        self.clear(path)
    }

    /// The full path of something about to be made; what is there and no folder goes away.
    fn clear(&mut self, path: &Path) -> Result<PathBuf> {
        self.left = self.left.checked_sub(1).ok_or_else(too_many)?;
        let full = self.root.join(path);
        match fs::remove_file(&full) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(e.into()),
            _ => Ok(full),
        }
    }

    fn parents(&mut self, path: &Path) -> Result<()> {
        let Some(parent) = path.parent().filter(|parent| !self.folders.contains_key(*parent)) else { return Ok(()) };
        let above: Vec<_> = parent.ancestors().take_while(|above| !self.folders.contains_key(*above)).map(PathBuf::from).collect();
        for folder in above.iter().rev() {
            if fs::symlink_metadata(self.root.join(folder)).is_ok() {
                return Err(refusal(path, &format!("its path goes through {folder:?}, which is no folder")));
            }
            self.make_folder(folder)?;
        }
        Ok(())
    }

    /// Makes a folder whose parent is one, in place of a file or link of that name.
    fn make_folder(&mut self, path: &Path) -> Result<()> {
        self.folder_bytes = self.folder_bytes.saturating_add(path.as_os_str().len());
        if self.folder_bytes > FOLDER_BYTES {
            return Err(too_many());
        }
        DirBuilder::new().mode(0o755).create(self.clear(path)?).map_err(refused_write)?;
        self.folders.insert(path.into(), None);
        Ok(())
    }
}

fn too_many() -> Error {
    Error::TooLarge("archive with too many files or folders".into())
}
