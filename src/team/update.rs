//! Changes teams.

use crate::{
    error::Result,
    event::Locked,
    store::{Store, Update},
    team::Team,
};

/// Tags without blanks around them, each once.
pub fn tidy(tags: &[String]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for tag in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
        if !out.iter().any(|known| known == tag) {
            out.push(tag.into());
        }
    }
    out
}

/// Replaces the tags.
pub async fn tags(store: &Store, team: &mut Locked<Team>, tags: &[String]) -> Result<()> {
    let name = team.name.clone();
    team.change(store, name, Update::set("tags", tidy(tags))).await
}

#[cfg(test)]
mod tests {
    use super::tidy;

    #[test]
    fn tags_are_trimmed_and_kept_once() {
        let tags = [" lab ", "", "y1", "lab"].map(str::to_owned);
        assert_eq!(tidy(&tags), ["lab", "y1"]);
    }
}
