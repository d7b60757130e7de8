//! schemathesis, which checks the OpenAPI document: of PyPI, with all it needs pinned in `xtask/schemathesis/requirements.txt`. It needs
//! `python3` with venv and pip.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Its program, installed once into `target/schemathesis`.
pub fn program() -> io::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let needs = root.join("schemathesis/requirements.txt");
    let pinned = fs::read_to_string(&needs)?;
    let folder = root.parent().unwrap_or(root).join("target/schemathesis");
    let (program, done) = (folder.join("bin/st"), folder.join("made-from"));
    if fs::read_to_string(&done).is_ok_and(|of| of == pinned) {
        return Ok(program);
    }
    drop(fs::remove_dir_all(&folder));
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(folder.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r"]).arg(&needs))?;
    fs::write(done, pinned)?;
    Ok(program)
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).status().map_err(|e| io::Error::other(format!("{:?}: {e}", command.get_program())))?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("{:?} failed for schemathesis: {status}", command.get_program()))) }
}
