//! Text from outside as a message may show it: in one line, without what a terminal would obey, and
//! without secrets. Services and proxies repeat what they were sent, whole or in part.

use percent_encoding::percent_decode_str;

use super::looks_secret::{announces_secret, has_sas_signature, looks_secret};
use crate::auth::Credential;

/// Longest piece of somebody else's text that is shown.
const MAX_SHOWN: usize = 500;
/// So much of it is looked at: what is cut off in its middle is not recognised.
const MAX_LOOKED_AT: usize = 4 * MAX_SHOWN;
/// Codes and ids are shorter; signatures and tokens are longer.
const LONGEST_IDENTIFIER: usize = 80;
/// A word that shares so many bytes in a row with a secret shows a piece of it.
const PIECE: usize = 12;

/// What proves to the service who asks: known, and so never shown. In lower case, as some repeat a head.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Those of a credential, and of the Authorization headers of requests.
    pub(crate) fn new<'a>(
        credential: &Credential,
        authorizations: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut secrets = credential.secrets();
        for secret in &mut secrets {
            secret.make_ascii_lowercase();
        }
        for value in authorizations {
            let secret = match value.strip_prefix("Bearer ") {
                Some(token) => token,
                None => value.rsplit(':').next().unwrap_or(value),
            };
            let secret = secret.to_ascii_lowercase();
            if !secrets.contains(&secret) {
                secrets.push(secret);
            }
        }
        Self(secrets)
    }

    /// Text as it may be shown.
    pub(crate) fn shown(&self, text: &str) -> String {
        let plain: String = text
            .chars()
            .take(MAX_LOOKED_AT)
            .map(|letter| if is_printable(letter) { letter } else { ' ' })
            .collect();
        let mut words: Vec<&str> = plain.split(' ').collect();
        if text.chars().nth(MAX_LOOKED_AT).is_some() {
            words.pop();
        }
        let mut is_announced = false;
        let mut before = "";
        for word in words.iter_mut().filter(|word| !word.is_empty()) {
            let is_separator = matches!(*word, "=" | ":");
            let is_secret = is_announced && !is_separator;
            is_announced = if is_separator {
                announces_secret(&format!("{before}{word}"))
            } else {
                announces_secret(word)
            };
            before = *word;
            if is_secret || looks_secret(word) || self.are_in(word) {
                *word = "REDACTED";
            }
        }
        words.join(" ").chars().take(MAX_SHOWN).collect()
    }

    /// A code or an id: those of the service are letters, digits and hyphens.
    pub(crate) fn identifier(&self, text: &str) -> String {
        let plain = text.len() <= LONGEST_IDENTIFIER
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        if plain && !looks_secret(text) && !self.are_in(text) {
            text.to_owned()
        } else {
            "(not shown: not what the service sends)".to_owned()
        }
    }

    /// Whether a piece of a secret is in the word, as it is or percent-encoded, in any case.
    fn are_in(&self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        let shows = |word: &[u8]| {
            word.windows(PIECE)
                .filter_map(|piece| std::str::from_utf8(piece).ok())
                .any(|piece| self.0.iter().any(|secret| secret.contains(piece)))
        };
        shows(word.as_bytes())
            || (word.contains('%') && shows(&percent_decode_str(&word).collect::<Vec<u8>>()))
    }
}

/// Whether a terminal and a log show it as it is: no control character, no line or paragraph end, nothing
/// that changes the direction of writing.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\'' | '"' | '\\') || letter.escape_debug().len() == 1
}

/// The path of a blob as a message shows it: what is behind a question mark may be a SAS that was pasted
/// with it.
pub(crate) fn shown_path(path: &str) -> &str {
    if !has_sas_signature(path) {
        return path;
    }
    let lower = path.to_ascii_lowercase();
    let end = ["?", "%3f", "%253f", "sig"]
        .iter()
        .filter_map(|mark| lower.find(mark))
        .min();
    &path[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_not_shown() {
        let none = Secrets::default();
        for (text, shown) in [
            ("bad ?sv=1&sig=abc%3D&se=1.", "bad REDACTED"),
            ("token 'eyJhbGciOi.x.y'", "token REDACTED"),
            ("Bearer abc", "Bearer REDACTED"),
            (
                "Authorization: Bearer  'abc' no",
                "Authorization: Bearer  REDACTED no",
            ),
            ("AccountKey = abc, key", "AccountKey = REDACTED key"),
            (
                "{\"access_token\" : \"abc\" }",
                "{\"access_token\" : REDACTED }",
            ),
            (
                "x-ms-copy-source: https://a/b?sig=c",
                "x-ms-copy-source: REDACTED",
            ),
            (
                "SharedKey acct:w8l9wSK9o2yTUJVk1dVyzqxF5dAMVPyVJnkm6qXxwlg= is wrong",
                "SharedKey REDACTED is wrong",
            ),
            (
                "md5 1B2M2Y8AsgTpgAmY7PhCfg== is wrong",
                "md5 1B2M2Y8AsgTpgAmY7PhCfg== is wrong",
            ),
            ("a\u{1b}[31m\r\nb", "a [31m  b"),
            ("a\u{2028}b\u{202e}c\u{9b}d\0e", "a b c d e"),
            ("it's \"ü€😀\" \\", "it's \"ü€😀\" \\"),
        ] {
            assert_eq!(none.shown(text), shown);
        }
        let cut = format!("{} token {}", "a ".repeat(240), "aB3".repeat(2_000));
        assert_eq!(none.shown(&cut).trim_end(), "a ".repeat(240) + " token");
        assert_eq!(none.identifier("BlobNotFound"), "BlobNotFound");
        for odd in ["a b", "eyJhbGciOi", &"x".repeat(90)] {
            assert!(!none.identifier(odd).contains(odd), "{odd}");
        }
    }

    #[test]
    fn pieces_of_the_requests_own_secrets_are_not_shown() {
        let signature = "abcdefghijklmnopqrstuvwxyz/0123456789+ABCDEF=";
        let sas =
            "sv=1&se=2099-01-01T00:00:00Z&sig=abcdefghijklmnopqrstuvwxyz%2F0123456789%2BABCDEF%3D";
        for secrets in [
            Secrets::new(
                &Credential::anonymous(),
                Some(format!("Bearer {signature}").as_str()),
            ),
            Secrets::new(
                &Credential::anonymous(),
                Some(format!("SharedKey account:{signature}").as_str()),
            ),
            Secrets::new(&Credential::sas(sas).unwrap(), None),
        ] {
            for piece in [
                signature,
                &signature[..20],
                &signature[10..22],
                &signature[20..],
                "'abcdefghijkl'",
                "'ABCDEFGHIJKL'",
                "z%2F0123456789%2BABC",
            ] {
                let text = format!("the account's header was {piece} here");
                assert_eq!(
                    secrets.shown(&text),
                    "the account's header was REDACTED here"
                );
            }
            assert!(!secrets.identifier("abcdefghijklmno").contains("abcdefgh"));
            let harmless = "SharedKey account 2099-01-01T00:00:00Z abcdefghijk";
            assert_eq!(secrets.shown(harmless), harmless);
        }
    }

    #[test]
    fn a_path_is_shown_without_what_may_be_a_sas() {
        assert_eq!(shown_path("data/a?sv=1&sig=x"), "data/a");
        assert_eq!(shown_path("data/a?b"), "data/a?b");
        assert_eq!(shown_path("data/a?sv=1&SIG=x"), "data/a");
        assert_eq!(shown_path("data/a%3Fsv%3D1%26sig%3Dx"), "data/a");
        assert_eq!(shown_path("data/a&sig=x"), "data/a&");
        assert_eq!(shown_path("data/token=5/a"), "data/token=5/a");
    }
}
