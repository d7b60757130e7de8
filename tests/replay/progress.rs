//! Streamed progress. What a builder and a cluster say of their own work is theirs to word, and a stand-in's words would prove
//! nothing: those lines are left out on both sides. What the server says is compared.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Lines of a builder or a cluster.
static THEIRS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?:#\d+ |------$| > \[internal\]|",
        r" ---> (?:Starting container image build|Container image build finished|Destination image|Tsuru config file|Process |",
        r"Created secret|Updated secret|No changes on secret|Waiting for units|neither the Procfile|\d+ of \d+ new units|\d+ old units|",
        r"waiting healthcheck|All units ready|Service )|",
        r"  ---> | ---> [a-z0-9-]+ - |healthcheck:$|  path: |",
        r"---- (?:Updating units|Ensuring services|Cleaning up resources|Patching from|Building |Starting build|Starting container))"
    ))
    .unwrap()
});

/// The server's own lines of progress. Items that tsuru takes from an unordered map are put in order.
pub fn lines(text: &str) -> Vec<&str> {
    let own = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !THEIRS.is_match(line));
    let mut lines: Vec<&str> = own.collect();
    lines.chunk_by_mut(|a, b| a.starts_with("- ") && b.starts_with("- ")).for_each(<[_]>::sort_unstable);
    lines
}

/// The text of a stream of JSON lines, and what is wrong with their form.
pub fn text(stream: &str) -> Result<String, String> {
    let mut text = String::new();
    for line in stream.lines() {
        let value: Value = serde_json::from_str(line).map_err(|e| format!("{e}: {line}"))?;
        let parts = value.as_object().ok_or_else(|| format!("no object: {line}"))?;
        if let Some(other) = parts.keys().find(|key| !["Message", "Timestamp", "Error"].contains(&key.as_str())) {
            return Err(format!("{other} in {line}"));
        }
        if !parts.contains_key("Message") || !parts["Timestamp"].is_string() {
            return Err(format!("without message or time: {line}"));
        }
        text += parts["Message"].as_str().unwrap_or("<no text>");
        if let Some(error) = parts.get("Error") {
            text += &format!("\nERROR {error}\n");
        }
    }
    Ok(text)
}
