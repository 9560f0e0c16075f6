//! The known word nearest to a misspelt one.

/// Longer words than this have no near one; comparing them would cost without helping.
const WORD_MAX: usize = 40;

/// The word of `known` that `word` is probably meant to be, if one is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(WORD_MAX + 1).flat_map(char::to_lowercase).collect();
    if word.is_empty() || word.len() > WORD_MAX {
        return None;
    }
    known
        .into_iter()
        .map(|candidate| {
            let letters: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
            (distance(&word, &letters), letters.len(), candidate)
        })
        .filter(|(distance, length, _)| *distance <= (word.len().max(*length) / 3).max(1))
        .min_by_key(|(distance, _, _)| *distance)
        .map(|(_, _, candidate)| candidate)
}

/// How many letters must be put in, left out, changed or swapped with their neighbour to get from one word to the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let change = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = change.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn slips_are_recognised_and_strangers_are_not() {
        let known = ["handler", "runtime", "triggers", "env", "maxReplicas", "minReplicas"];
        for (word, expected) in [
            ("hander", Some("handler")),
            ("hanlder", Some("handler")),
            ("Handlers", Some("handler")),
            ("runtme", Some("runtime")),
            ("max_replicas", Some("maxReplicas")),
            ("evn", Some("env")),
            ("colour", None),
            ("", None),
            (&"handler".repeat(100), None),
        ] {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
