//! Reading what is there.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
    path::Path,
};

use super::{CURRENT, Entry, PREVIOUS};
use crate::provisioner::{LogLine, LogQuery};

/// A place in a log file: the file's number and the bytes read of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Inode; 0 before there is a file.
    pub file: u64,
    /// Bytes.
    pub offset: u64,
}

/// True for a line that was asked for.
pub fn wanted(query: &LogQuery, line: &LogLine) -> bool {
    let source = query.source.as_ref().is_none_or(|source| (line.source == *source) != query.invert_source);
    source && (query.units.is_empty() || query.units.contains(&line.unit))
}

/// The last lines that were asked for, oldest first, and the place to go on from.
pub fn last(folder: &Path, query: &LogQuery) -> (Vec<LogLine>, Place) {
    let (mut lines, place) = tail(&folder.join(CURRENT), query, query.lines);
    if lines.len() < query.lines {
        let (earlier, before) = tail(&folder.join(PREVIOUS), query, query.lines - lines.len());
        // The same file when a new one began between the two looks.
        if before.file != place.file {
            earlier.into_iter().rev().for_each(|line| lines.push_front(line));
        }
    }
    (lines.into(), place)
}

fn tail(path: &Path, query: &LogQuery, count: usize) -> (VecDeque<LogLine>, Place) {
    let mut lines = VecDeque::new();
    let place = File::open(path).ok().map(|file| {
        scan(file, Place::default(), |line| {
            if wanted(query, &line) {
                lines.push_back(line);
                if lines.len() > count {
                    lines.pop_front();
                }
            }
        })
    });
    (lines, place.unwrap_or_default())
}

/// Whole lines from a place on; gives the place after the last of them.
fn scan(mut file: File, from: Place, mut each: impl FnMut(LogLine)) -> Place {
    let mut place = Place { file: file.metadata().map_or(0, |about| about.ino()), offset: from.offset };
    if file.seek(SeekFrom::Start(place.offset)).is_err() {
        return place;
    }
    let mut reader = BufReader::with_capacity(64 << 10, file);
    let mut bytes = Vec::new();
    while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) && bytes.ends_with(b"\n") {
        place.offset += bytes.len() as u64;
        bytes.pop();
        if let Some(line) = Entry::decode(&String::from_utf8_lossy(&bytes)) {
            each(line);
        }
        bytes.clear();
    }
    place
}

/// What came since a place, oldest first, also when a new file began meanwhile.
pub fn since(folder: &Path, mut place: Place) -> (Vec<LogLine>, Place) {
    let mut lines = Vec::new();
    let Ok(current) = File::open(folder.join(CURRENT)) else { return (lines, place) };
    let current_number = current.metadata().map_or(0, |about| about.ino());
    if place.file != 0 && place.file != current_number {
        if let Ok(previous) = File::open(folder.join(PREVIOUS)) {
            // Two new files since the last look: the one before the current is read from its beginning.
            let known = previous.metadata().is_ok_and(|about| about.ino() == place.file);
            scan(previous, if known { place } else { Place::default() }, |line| lines.push(line));
        }
        place = Place::default();
    }
    let place = scan(current, Place { file: current_number, ..place }, |line| lines.push(line));
    (lines, place)
}
