//! Uploads: gzipped tars of folders or of texts, and the multipart body around them.

use std::path::Path;

use flate2::{Compression, write::GzEncoder};

/// A gzipped tar of a folder's contents.
pub fn of_folder(folder: &Path) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    tar.append_dir_all(".", folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    tar.into_inner().and_then(GzEncoder::finish).expect("an archive in memory")
}

/// A gzipped tar of files given as (path, contents).
pub fn of_files(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(if text.starts_with("#!") { 0o755 } else { 0o644 });
        tar.append_data(&mut header, path, text.as_bytes()).expect("an entry in memory");
    }
    tar.into_inner().and_then(GzEncoder::finish).expect("an archive in memory")
}

/// The example app of this name, as a person's client would send it.
pub fn of_example(name: &str) -> Vec<u8> {
    of_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name))
}

/// Content type and body of a form with `file` as the stock client sends it.
pub fn multipart(fields: &[(&str, &str)], file: &[u8]) -> (String, Vec<u8>) {
    let boundary = format!("{:032x}", rand::random::<u128>());
    let mut body = Vec::new();
    for (name, value) in fields {
        let part = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        body.extend_from_slice(part.as_bytes());
    }
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"archive.tar.gz\"\r\nContent-Type: application/octet-stream";
    body.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}
