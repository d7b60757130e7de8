//! The files of apps and jobs in one archive, and back: versions, wanted states, logs, volumes. What runs, and what was only downloaded, stays.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use super::file;
use crate::error::{Error, Result};

/// What an app's folder, and a job's, holds that is worth moving.
const PARTS: [(&str, &[&str]); 2] = [("apps", &["state.json", "versions", "log"]), ("jobs", &["state.json", "images", "current", "log"])];
/// What an archive holds.
const FOLDERS: [&str; 3] = ["apps", "jobs", "volumes"];

/// Writes the files of a provisioner that does not run (`dir` is its folder) into a new archive.
pub fn pack(dir: &Path, archive: &Path) -> Result<()> {
    let about = |e: std::io::Error| Error::invalid(format!("{}: {e}", archive.display()));
    let mut tar = tar::Builder::new(BufWriter::new(File::create_new(archive).map_err(about)?));
    tar.follow_symlinks(false);
    tar.mode(tar::HeaderMode::Complete);
    for path in worth_moving(dir) {
        append(&mut tar, dir, &path).map_err(|e| Error::internal(format!("{}: {e}", path.display())))?;
    }
    let mut out = tar.into_inner().map_err(about)?;
    out.flush().and_then(|()| out.get_ref().sync_all()).map_err(about)
}

/// An archive that was unpacked beside its place: it is whole. Dropped before it is put there, it goes.
pub struct Unpacked {
    beside: PathBuf,
    dir: PathBuf,
}

/// Unpacks such an archive beside a folder that holds no apps yet.
pub fn unpack(archive: &Path, dir: &Path) -> Result<Unpacked> {
    for folder in FOLDERS.map(|name| dir.join(name)) {
        if !file::entries(&folder).is_empty() {
            return Err(Error::invalid(format!("{} is not empty", folder.display())));
        }
    }
    let unpacked = Unpacked { beside: dir.with_extension("importing"), dir: dir.into() };
    unpacked.remove();
    file::folder(&unpacked.beside)?;
    unpack_into(archive, &unpacked.beside).map(|()| unpacked)
}

impl Unpacked {
    /// Puts the files where the provisioner looks for them.
    pub fn keep(self) -> Result<()> {
        file::folder(&self.dir)?;
        for name in FOLDERS.into_iter().filter(|name| self.beside.join(name).exists()) {
            let place = self.dir.join(name);
            if place.exists() {
                fs::remove_dir(&place)?;
            }
            fs::rename(self.beside.join(name), place)?;
        }
        Ok(())
    }

    fn remove(&self) {
        if self.beside.exists() {
            drop(fs::remove_dir_all(&self.beside));
        }
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        self.remove();
    }
}

fn unpack_into(archive: &Path, dir: &Path) -> Result<()> {
    let about = |e: std::io::Error| Error::invalid(format!("{}: {e}", archive.display()));
    let mut tar = tar::Archive::new(BufReader::new(File::open(archive).map_err(about)?));
    tar.set_preserve_permissions(true);
    tar.set_preserve_mtime(true);
    tar.unpack(dir).map_err(about)
}

fn worth_moving(dir: &Path) -> Vec<PathBuf> {
    let of_kind = |(kind, parts): (&str, &'static [&str])| {
        let folder = dir.join(kind);
        let mut names = file::entries(&folder);
        names.sort();
        names
            .into_iter()
            .flat_map(move |name| parts.iter().map(move |part| (name.clone(), part)))
            .map(move |(name, part)| folder.join(name).join(part))
    };
    PARTS.into_iter().flat_map(of_kind).chain([dir.join("volumes")]).filter(|path| path.exists()).collect()
}

fn append(tar: &mut tar::Builder<impl Write>, root: &Path, path: &Path) -> std::io::Result<()> {
    let name = path.strip_prefix(root).unwrap_or(path);
    let kind = fs::symlink_metadata(path)?.file_type();
    if !kind.is_dir() {
        // Sockets and pipes of apps mean nothing elsewhere.
        return if kind.is_file() || kind.is_symlink() { tar.append_path_with_name(path, name) } else { Ok(()) };
    }
    append_folder(tar, path, name)?;
    let mut children: Vec<PathBuf> = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    children.sort();
    children.iter().try_for_each(|child| append(tar, root, child))
}

/// Without its time: unpacking does not bring that back, and two exports of the same files should be the same.
fn append_folder(tar: &mut tar::Builder<impl Write>, path: &Path, name: &Path) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&fs::metadata(path)?);
    header.set_mtime(0);
    header.set_size(0);
    tar.append_data(&mut header, name.join(""), std::io::empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn files_modes_and_links_arrive_and_running_units_stay() {
        let (old, new, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let app = old.path().join("apps/blog");
        for folder in ["versions/v1", "units/blog-web-1", "log"] {
            fs::create_dir_all(app.join(folder)).unwrap();
        }
        fs::write(app.join("state.json"), "{}").unwrap();
        fs::write(app.join("versions/v1/run.sh"), "echo").unwrap();
        fs::set_permissions(app.join("versions/v1/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink("run.sh", app.join("versions/v1/link")).unwrap();
        let archive = out.path().join("apps.tar");
        pack(old.path(), &archive).unwrap();
        let dir = new.path().join("local");
        unpack(&archive, &dir).unwrap().keep().unwrap();
        let moved = dir.join("apps/blog");
        assert_eq!(fs::metadata(moved.join("versions/v1/run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(moved.join("versions/v1/link")).unwrap(), Path::new("run.sh"));
        assert!(moved.join("state.json").exists() && moved.join("log").exists() && !moved.join("units").exists());
        assert!(unpack(&archive, &dir).err().unwrap().to_string().contains("is not empty"));
    }

    #[test]
    fn a_broken_archive_leaves_nothing() {
        let (new, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let archive = out.path().join("apps.tar");
        fs::write(&archive, "no archive at all").unwrap();
        assert!(unpack(&archive, &new.path().join("local")).is_err());
        assert!(file::entries(new.path()).is_empty());
    }
}
