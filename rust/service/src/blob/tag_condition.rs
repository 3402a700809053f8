//! Conditions on a blob's tags, as `x-ms-if-tags` has them: `"project" = 'x' AND "stage" <> 'done'`.
//! <https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations>

use crate::errors::{self, Failure};

type Tags = [(String, String)];

/// Whether tags meet a condition. `AND` binds no tighter than `OR`: both are read from left to right.
pub(super) fn is_met(condition: &str, tags: &Tags) -> Result<bool, Failure> {
    evaluate(condition, tags).ok_or_else(|| errors::invalid_header("x-ms-if-tags", condition))
}

/// None if the condition is not of the form.
fn evaluate(mut rest: &str, tags: &Tags) -> Option<bool> {
    let mut met = compare(&mut rest, tags)?;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Some(met);
        }
        let (word, after) = rest.split_at_checked(rest.find(' ')?)?;
        rest = after;
        let next = compare(&mut rest, tags)?;
        match word.to_ascii_uppercase().as_str() {
            "AND" => met &= next,
            "OR" => met |= next,
            _ => return None,
        }
    }
}

/// One comparison; a tag that is not there is equal to nothing.
fn compare(rest: &mut &str, tags: &Tags) -> Option<bool> {
    let text = rest.trim_start();
    let (key, text) = if text.starts_with('"') {
        quoted(text, '"')?
    } else {
        text.split_at_checked(text.find([' ', '!', '=', '<', '>'])?)?
    };
    let text = text.trim_start();
    let operators = ["<>", "!=", "<=", ">=", "=", "<", ">"];
    let operator = operators
        .into_iter()
        .find(|operator| text.starts_with(operator))?;
    let (value, after) = quoted(text[operator.len()..].trim_start(), '\'')?;
    *rest = after;
    let actual = tags.iter().find(|(name, _)| name == key);
    let actual = actual.map(|(_, value)| value.as_str());
    Some(match operator {
        "<>" | "!=" => actual != Some(value),
        "=" => actual == Some(value),
        "<=" => actual.is_some_and(|actual| actual <= value),
        ">=" => actual.is_some_and(|actual| actual >= value),
        "<" => actual.is_some_and(|actual| actual < value),
        _ => actual.is_some_and(|actual| actual > value),
    })
}

fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    text.strip_prefix(quote)?.split_once(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions() {
        let tags = [("k".to_owned(), "b".to_owned())];
        for (condition, expected) in [
            ("\"k\" = 'b'", Some(true)),
            ("k='b'", Some(true)),
            ("\"k\" <> 'b'", Some(false)),
            ("k != 'c'", Some(true)),
            ("\"k\" > 'a' AND \"k\" < 'c'", Some(true)),
            ("\"k\" = 'c' OR \"k\" >= 'b'", Some(true)),
            ("\"other\" = 'b'", Some(false)),
            ("\"other\" <> 'b'", Some(true)),
            ("\"k\" = b", None),
            ("\"k\" = 'b' XOR \"k\" = 'b'", None),
            ("nonsense", None),
        ] {
            assert_eq!(evaluate(condition, &tags), expected, "{condition}");
        }
    }
}
