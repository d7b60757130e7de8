//! Two lists side by side.

/// The longest common subsequence in both orders, with what is only on one side between.
pub fn aligned(there: &[String], here: &[String]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut longest = vec![vec![0; here.len() + 1]; there.len() + 1];
    for a in (0..there.len()).rev() {
        for b in (0..here.len()).rev() {
            longest[a][b] = if there[a] == here[b] { longest[a + 1][b + 1] + 1 } else { longest[a + 1][b].max(longest[a][b + 1]) };
        }
    }
    let (mut a, mut b, mut pairs) = (0, 0, Vec::new());
    while a < there.len() || b < here.len() {
        if a < there.len() && b < here.len() && there[a] == here[b] {
            pairs.push((Some(a), Some(b)));
            (a, b) = (a + 1, b + 1);
        } else if b == here.len() || (a < there.len() && longest[a + 1][b] >= longest[a][b + 1]) {
            pairs.push((Some(a), None));
            a += 1;
        } else {
            pairs.push((None, Some(b)));
            b += 1;
        }
    }
    pairs
}

#[test]
fn calls_of_one_side_stand_between_those_of_both() {
    let texts = |text: &str| -> Vec<String> { text.chars().map(String::from).collect() };
    let found = aligned(&texts("abcd"), &texts("axcd"));
    assert_eq!(found, [(Some(0), Some(0)), (Some(1), None), (None, Some(1)), (Some(2), Some(2)), (Some(3), Some(3))]);
    assert_eq!(aligned(&[], &texts("a")), [(None, Some(0))]);
}
