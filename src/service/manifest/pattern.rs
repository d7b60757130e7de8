//! Paths with wildcards, as Go's request router reads them: `/a/{id}`, `/files/`, `/files/{rest...}`, `/dir/{$}`.

use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Literal(String),
    /// Nothing after a slash.
    End,
    /// Any one segment.
    Any,
    /// Everything that is left.
    Rest,
}

/// A pattern. The one that says more about a path is less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

/// True for paths that are written the same but for blanks and the first slash.
pub fn same(one: &str, other: &str) -> bool {
    one.trim().trim_start_matches('/') == other.trim().trim_start_matches('/')
}

impl Pattern {
    /// Reads a pattern; the error says why not.
    pub fn parse(path: &str) -> Result<Self, String> {
        let path = path.trim();
        let path = path.strip_prefix('/').unwrap_or(path);
        let segments: Vec<&str> = path.split('/').collect();
        let last = segments.len().saturating_sub(1);
        let parts = segments.iter().enumerate().map(|(i, segment)| part(segment, i == last)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self(parts))
    }

    /// True for a path that it means.
    pub fn matches(&self, path: &str) -> bool {
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        for part in &self.0 {
            let fits = match (part, segments.next()) {
                (_, None) => false,
                (Part::Rest, Some(_)) => return true,
                (Part::End, Some(segment)) => segment.is_empty(),
                (Part::Any, Some(segment)) => !segment.is_empty(),
                (Part::Literal(text), Some(segment)) => text == segment,
            };
            if !fits {
                return false;
            }
        }
        segments.next().is_none()
    }

    /// True when some path fits both, and neither says more about all of them.
    pub fn conflicts(&self, other: &Self) -> bool {
        let (mut less, mut more) = (false, false);
        let (mut own, mut others) = (self.0.iter(), other.0.iter());
        loop {
            match (own.next(), others.next()) {
                (None, None) => return less == more,
                (Some(Part::Rest), Some(Part::Rest)) => return less == more,
                (Some(Part::Rest), Some(_)) => return less,
                (Some(_), Some(Part::Rest)) => return more,
                (Some(one), Some(two)) if one == two => {}
                (Some(Part::Literal(_)), Some(Part::Any)) => less = true,
                (Some(Part::Any), Some(Part::Literal(_))) => more = true,
                _ => return false,
            }
        }
    }

    /// Of two that fit the same path, the one that says more about it comes first.
    pub fn closeness(&self, other: &Self) -> Ordering {
        let rank = |part: &Part| match part {
            Part::Literal(_) | Part::End => 0,
            Part::Any => 1,
            Part::Rest => 2,
        };
        self.0.iter().map(rank).cmp(other.0.iter().map(rank))
    }
}

fn part(segment: &str, last: bool) -> Result<Part, String> {
    if segment.is_empty() && last {
        return Ok(Part::Rest);
    }
    let Some((before, inside)) = segment.split_once('{') else { return Ok(Part::Literal(segment.into())) };
    let Some(name) = inside.strip_suffix('}').filter(|_| before.is_empty()) else {
        return Err("bad wildcard segment (must end with '}')".into());
    };
    let (name, rest) = name.strip_suffix("...").map_or((name, false), |name| (name, true));
    match (name, rest, last) {
        ("$", false, true) => Ok(Part::End),
        ("$", ..) => Err("{$} not at end".into()),
        (_, true, false) => Err("{...} wildcard not at end".into()),
        _ if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') => Err(format!("bad wildcard name {name:?}")),
        (_, true, true) => Ok(Part::Rest),
        (_, false, _) => Ok(Part::Any),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[test]
    fn wildcards_fit_what_they_stand_for() {
        for (text, fits, not) in [
            ("/a/{id}", "/a/1", "/a/"),
            ("/a/", "/a/b/c", "/a"),
            ("/a/{rest...}", "/a/", "/b/"),
            ("/a/{$}", "/a/", "/a/b"),
            ("/", "/anything/else", "never"),
        ] {
            assert!(pattern(text).matches(fits), "{text} {fits}");
            assert!(text == "/" || !pattern(text).matches(not), "{text} {not}");
        }
    }

    #[test]
    fn patterns_conflict_when_neither_says_more() {
        for (one, other, expected) in [
            ("/a/{x}", "/{y}/b", true),
            ("/a/{x}", "/a/{y}", true),
            ("/a/{x}", "/a/b", false),
            ("/a/", "/a/b", false),
            ("/a/", "/{x}/b", true),
            ("/{x}/", "/a/b", false),
            ("/a", "/b", false),
        ] {
            assert_eq!(pattern(one).conflicts(&pattern(other)), expected, "{one} {other}");
            assert_eq!(pattern(other).conflicts(&pattern(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn broken_wildcards_are_refused() {
        for text in ["/a{x}", "/{x}b", "/{", "/{}", "/{a b}", "/{$}/x", "/{x...}/y"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }
}
