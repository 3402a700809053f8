//! Text from outside as a message may show it: in one line, without what a terminal would obey, and
//! without secrets. Services and proxies repeat what they were sent, whole or in part.

use percent_encoding::percent_decode_str;

use crate::auth::Credential;

/// Longest piece of somebody else's text that is shown.
const MAX_SHOWN: usize = 500;
/// Words of a message are shorter; signatures and tokens are longer.
const LONGEST_WORD: usize = 80;
/// A word that shares so many bytes in a row with a secret shows a piece of it.
const PIECE: usize = 12;

/// What proves to the service who asks: known, and so never shown.
#[derive(Default)]
pub(crate) struct Secrets(Vec<String>);

impl Secrets {
    /// Those of a credential, and of the Authorization headers of requests.
    pub(crate) fn new<'a>(
        credential: &Credential,
        authorizations: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut secrets = credential.secrets();
        for value in authorizations {
            let secret = match value.strip_prefix("Bearer ") {
                Some(token) => token,
                None => value.rsplit(':').next().unwrap_or(value),
            };
            if !secrets.iter().any(|known| known == secret) {
                secrets.push(secret.to_owned());
            }
        }
        Self(secrets)
    }

    /// Text as it may be shown.
    pub(crate) fn shown(&self, text: &str) -> String {
        let plain: String = text
            .chars()
            .take(MAX_SHOWN)
            .map(|letter| if is_printable(letter) { letter } else { ' ' })
            .collect();
        let mut after_bearer = false;
        let words: Vec<&str> = plain
            .split(' ')
            .map(|word| {
                let is_token = after_bearer;
                after_bearer = word.eq_ignore_ascii_case("bearer");
                if is_token || looks_secret(word) || self.are_in(word) {
                    "REDACTED"
                } else {
                    word
                }
            })
            .collect();
        words.join(" ")
    }

    /// A code or an id: those of the service are letters, digits and hyphens.
    pub(crate) fn identifier(&self, text: &str) -> String {
        let plain = text.len() <= 100
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        if plain && !looks_secret(text) && !self.are_in(text) {
            text.to_owned()
        } else {
            "(not shown: not what the service sends)".to_owned()
        }
    }

    /// Whether a piece of a secret is in the word, as it is or percent-encoded.
    fn are_in(&self, word: &str) -> bool {
        let shows = |word: &[u8]| {
            word.windows(PIECE)
                .filter_map(|piece| std::str::from_utf8(piece).ok())
                .any(|piece| self.0.iter().any(|secret| secret.contains(piece)))
        };
        shows(word.as_bytes())
            || (word.contains('%') && shows(&percent_decode_str(word).collect::<Vec<u8>>()))
    }
}

/// Whether a word looks like a secret of somebody: a proxy has its own, too.
fn looks_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    lower.contains("sig=")
        || lower.contains("accountkey=")
        || bare.len() >= LONGEST_WORD
        || has_signature(word)
        || bare.starts_with("eyJ")
}

/// Whether there is an HMAC-SHA256 in base64 in it, as Shared Key and SAS have one.
fn has_signature(word: &str) -> bool {
    const LETTERS: usize = 43;
    let is_base64 = |letter: char| letter.is_ascii_alphanumeric() || "+/".contains(letter);
    word.split_inclusive('=').any(|piece| {
        let before = piece.strip_suffix('=').unwrap_or_default();
        before
            .chars()
            .rev()
            .take_while(|letter| is_base64(*letter))
            .count()
            >= LETTERS
    })
}

/// Whether a terminal and a log show it as it is: no control character, no line or paragraph end, nothing
/// that changes the direction of writing.
fn is_printable(letter: char) -> bool {
    matches!(letter, '\'' | '"' | '\\') || letter.escape_debug().len() == 1
}

/// The path of a blob as a message shows it: what is behind a question mark may be a SAS that was pasted
/// with it.
pub(crate) fn shown_path(path: &str) -> &str {
    if path.contains("sig=") {
        path.split('?').next().unwrap_or(path)
    } else {
        path
    }
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
    }
}
