//! The bytes of an archive, counted on their way.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
    rc::Rc,
};

use flate2::bufread::MultiGzDecoder;

use super::{Limits, refused_read, tree};
use crate::error::{Error, Result};

const BLOCK: u64 = 512;
/// Names, extensions and padding of one entry; the tar reader keeps them in memory.
const HEADER_BYTES: u64 = 1 << 20;
/// A ratio says something only about more than this.
const RATIO_FROM: u64 = 32 << 20;

/// Counts what comes in and out, and stops it at the limits.
#[derive(Clone)]
pub struct Meter {
    packed: Rc<Cell<u64>>,
    allowed: Rc<Cell<u64>>,
    total_left: Rc<Cell<u64>>,
    written: Rc<Cell<u64>>,
    limits: Limits,
}

impl Meter {
    /// Nothing counted yet.
    pub fn new(limits: &Limits) -> Self {
        let overhead = limits.max_entries.saturating_mul(4 * BLOCK).saturating_add(HEADER_BYTES);
        Self {
            packed: Rc::default(),
            allowed: Rc::default(),
            total_left: Rc::new(Cell::new(limits.max_bytes.saturating_add(overhead))),
            written: Rc::default(),
            limits: *limits,
        }
    }

    /// The next bytes are the header of an entry, or the end.
    pub fn expect_header(&self) {
        self.allowed.set(HEADER_BYTES);
    }

    /// The next bytes are a file of this size.
    pub fn expect_file(&self, path: &Path, size: u64) -> Result<()> {
        if size > self.limits.max_bytes.saturating_sub(self.written.get()) {
            return Err(self.too_large(path));
        }
        self.allowed.set(size);
        Ok(())
    }

    /// Copies a file whose size was announced.
    pub fn copy(&self, path: &Path, entry: &mut tar::Entry<Guarded>, file: &mut File) -> Result<()> {
        let mut buffer = vec![0; 64 * 1024];
        let mut left = entry.size();
        loop {
            let n = entry.read(&mut buffer).map_err(|e| refused_read(&e))?;
            let Some(bytes) = buffer.get(..n).filter(|bytes| !bytes.is_empty()) else { break };
            self.count_written(path, n as u64)?;
            file.write_all(bytes).map_err(tree::refused_write)?;
            left = left.saturating_sub(n as u64);
        }
        if left > 0 { Err(tree::refusal(path, "the archive ends in the middle of it")) } else { Ok(()) }
    }

    fn count_written(&self, path: &Path, n: u64) -> Result<()> {
        let written = self.written.get().saturating_add(n);
        self.written.set(written);
        if written > self.limits.max_bytes {
            return Err(self.too_large(path));
        }
        let ratio_limit = self.packed.get().saturating_mul(self.limits.max_ratio);
        if written > RATIO_FROM && written > ratio_limit {
            return Err(Error::TooLarge(format!(
                "archive entry {path:?}: more than {} bytes from each byte of the upload",
                self.limits.max_ratio
            )));
        }
        Ok(())
    }

    fn too_large(&self, path: &Path) -> Error {
        Error::TooLarge(format!("archive entry {path:?}: more than {} bytes when unpacked", self.limits.max_bytes))
    }

    fn take(&self, n: u64) -> io::Result<()> {
        let (Some(allowed), Some(total)) = (self.allowed.get().checked_sub(n), self.total_left.get().checked_sub(n)) else {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "archive with headers that are too large"));
        };
        self.allowed.set(allowed);
        self.total_left.set(total);
        Ok(())
    }
}

/// The tar stream of an upload.
pub struct Guarded {
    inner: Box<dyn Read>,
    meter: Meter,
}

impl Read for Guarded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.meter.take(n as u64)?;
        Ok(n)
    }
}

struct Counted<R> {
    inner: R,
    packed: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.packed.set(self.packed.get().saturating_add(n as u64));
        Ok(n)
    }
}

/// Opens a gzipped or plain tar archive; anything else is refused by its first bytes.
pub fn open(path: &Path, meter: &Meter) -> Result<Guarded> {
    let mut file = File::open(path)?;
    let mut first = Vec::new();
    Read::by_ref(&mut file).take(BLOCK).read_to_end(&mut first)?;
    let (gzip, tar) = (first.starts_with(&[0x1f, 0x8b]), is_tar(&first));
    let counted = BufReader::new(Counted { inner: io::Cursor::new(first).chain(file), packed: meter.packed.clone() });
    let inner: Box<dyn Read> = match (gzip, tar) {
        (true, _) => Box::new(MultiGzDecoder::new(counted)),
        (false, true) => Box::new(counted),
        (false, false) => return Err(Error::invalid("app source data must be a GZIP compressed file: gzip: invalid header")),
    };
    Ok(Guarded { inner, meter: meter.clone() })
}

/// A tar archive begins with a header that carries its own checksum, or, when empty, with zeros.
fn is_tar(first: &[u8]) -> bool {
    let Ok(block) = <[u8; 512]>::try_from(first) else { return false };
    let header = tar::Header::from_byte_slice(&block);
    let mut again = header.clone();
    again.set_cksum();
    block.iter().all(|b| *b == 0) || header.cksum().is_ok_and(|sum| again.cksum().is_ok_and(|own| own == sum))
}
