//! Numbers that the other side tells.

/// The number, if the text is nothing but its decimal digits: no sign, no space.
pub(crate) fn number(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_number() {
        for (text, value) in [("0", 0), ("007", 7), ("18446744073709551615", u64::MAX)] {
            assert_eq!(number(text), Some(value));
        }
        for text in [
            "",
            "+5",
            "-5",
            " 5",
            "5 ",
            "5,5",
            "0x5",
            "5.0",
            "1e3",
            "\u{665}",
            "18446744073709551616",
        ] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }
}
