//! What looks like a secret of anybody: a proxy and another service have theirs, too, and put them into
//! their messages in forms of their own.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// What stands before a secret's value, as the end of a longer name too: `access_token`, `SharedAccessSignature`.
const NAMES: [&str; 12] = [
    "sig",
    "signature",
    "token",
    "secret",
    "accountkey",
    "accesskey",
    "apikey",
    "api_key",
    "api-key",
    "password",
    "pwd",
    "bearer",
];
/// Encodings around each other that are looked through.
const MOST_ENCODINGS: usize = 3;
/// Letters and digits of which a secret without a name has at least so many.
const FEWEST_LETTERS: usize = 40;
/// So long a number in hexadecimal is no id and no checksum any more.
const LONGEST_HEX: usize = 80;

/// Whether a word shows a secret, whatever it is encoded in.
pub(super) fn looks_secret(word: &str) -> bool {
    any_decoding(word, |word| {
        let lower = word.to_ascii_lowercase();
        has_named_value(&lower)
            || lower.contains("bearer ")
            || has_password(word)
            || has_json_web_token(word)
            || has_signature(word)
            || is_random(word)
    })
}

/// Whether there is the signature of a SAS in it, as far as its name tells.
pub(super) fn has_sas_signature(text: &str) -> bool {
    any_decoding(text, |text| text.to_ascii_lowercase().contains("sig="))
}

/// Whether what follows a word is a secret: `Bearer`, `"password":`.
pub(super) fn announces_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    let bare = lower.trim_end_matches(is_quote);
    let name = bare.trim_end_matches([':', '=']);
    let is_named = NAMES
        .iter()
        .any(|secret| name.trim_end_matches(is_quote).ends_with(secret));
    is_named && (name != bare || name.ends_with("bearer"))
}

fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'' | '\\')
}

/// Whether it holds of the text as it is, or of what it encodes.
fn any_decoding(text: &str, holds: impl Fn(&str) -> bool) -> bool {
    let mut text = Cow::Borrowed(text);
    for _ in 0..MOST_ENCODINGS {
        if holds(&text) {
            return true;
        }
        let decoded = decode(&text);
        if decoded == *text {
            return false;
        }
        text = Cow::Owned(decoded);
    }
    holds(&text)
}

/// Takes one layer of percent-encoding off, and the escapes of JSON: some write `=` and `&` as `\u003d` and
/// `\u0026`.
fn decode(text: &str) -> String {
    let mut decoded = percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut from = 0;
    while let Some(at) = decoded[from..].find("\\u00").map(|at| from + at) {
        let digits = decoded.get(at + 4..at + 6);
        let letter = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let Some(letter) = letter.filter(u8::is_ascii) {
            decoded.replace_range(at..at + 6, char::from(letter).encode_utf8(&mut [0; 4]));
        }
        from = at + 1;
    }
    decoded
}

/// `sig=abc`, `"access_token":"abc"`.
fn has_named_value(lower: &str) -> bool {
    NAMES.iter().any(|name| {
        lower.match_indices(name).any(|(at, _)| {
            let rest = lower[at + name.len()..].trim_start_matches(is_quote);
            rest.strip_prefix([':', '='])
                .is_some_and(|value| value.contains(char::is_alphanumeric))
        })
    })
}

/// `https://user:password@host`.
fn has_password(word: &str) -> bool {
    word.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        authority
            .rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

/// The base64 of `{"`, with which the head of a token begins.
fn has_json_web_token(word: &str) -> bool {
    word.match_indices("eyJ")
        .any(|(at, _)| !word[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric()))
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

/// Whether a long piece of it was drawn by lot: of two neighbours in base64 every other time exactly one is a
/// capital, in names and paths that happens at the beginning of words; and digits are among them.
fn is_random(word: &str) -> bool {
    let is_of_token = |letter: char| letter.is_ascii_alphanumeric() || "+/-_.~".contains(letter);
    let is_token = |piece: &str| {
        piece.bytes().filter(u8::is_ascii_alphanumeric).count() >= FEWEST_LETTERS
            && piece.bytes().any(|letter| letter.is_ascii_digit())
            && changes(piece, u8::is_ascii_uppercase)
    };
    let is_hex_key = |piece: &str| piece.len() >= LONGEST_HEX && changes(piece, u8::is_ascii_digit);
    word.split(|letter| !is_of_token(letter)).any(is_token)
        || word
            .split(|letter: char| !letter.is_ascii_hexdigit())
            .any(is_hex_key)
}

/// Whether of more than a third of all neighbours one is of the class and the other is not.
fn changes(piece: &str, is_of_class: impl Fn(&u8) -> bool) -> bool {
    let (mut pairs, mut changes) = (0, 0);
    for pair in piece.as_bytes().windows(2) {
        if pair.iter().all(u8::is_ascii_alphanumeric) {
            pairs += 1;
            changes += usize::from(is_of_class(&pair[0]) != is_of_class(&pair[1]));
        }
    }
    changes * 3 > pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_anybody() {
        for word in [
            "https://a.example/c/b?sv=1&sig=abc",
            "?SV=1&SiG=abc",
            "sv%3D1%26sig%3Dabc",
            "sv%253D1%2526sig%253Dabc",
            "\"url\":\"https://a.example/c?sv=1\\u0026sig\\u003dabc\"",
            "https://a.example/c?a=1&amp;sig=abc",
            "'x-ms-copy-source:https://a.example/c/b?sp=r&sig=abc'",
            "SharedAccessSignature=abc",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abc;",
            "{\"AccountKey\":\"abc\"}",
            "{\"token_type\":\"x\",\"access_token\":\"abc\"}",
            "{\\\"refreshToken\\\":\\\"abc\\\"}",
            "client_secret=abc&grant_type=x",
            "Password=abc",
            "Authorization:Bearer%20abc",
            "http://user:abc@proxy.example:8080/",
            "a:w8l9wSK9o2yTUJVk1dVyzqxF5dAMVPyVJnkm6qXxwlg=",
            "w8l9wSK9o2yTUJVk1dVyzqxF5dAMVPyVJnkm6qXxwlg%3D",
            "eyJhbGciOi.x.y",
            "(eyJhbGciOi.x.y),",
            "{\"t\":\"eyJhbGciOi.x.y\"}",
            "x%22eyJhbGciOi.x.y",
            // Without a name: an Entra secret, a piece of a signature, a refresh token, a key in hexadecimal.
            "Abc8Q~dEf1gHiJ2kLmN3oPqR4sTuV5wXyZ6aBcD-eFg",
            "w8l9wSK9o2yTUJVk1dVyzqxF5dAMVPyVJnkm6qXxwl",
            "0.AXoAw8l9wSK9o2yTUJVk1dVyzqxF5dAMVPyVJnkm6qXxwlg_Zk3-Qx1.AgABAAEAAAD",
            "3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea3f79bb7b435b05321651",
        ] {
            assert!(looks_secret(word), "{word}");
        }
    }

    #[test]
    fn what_is_none() {
        let long = "x".repeat(500);
        for word in [
            long.as_str(),
            "https://account.blob.core.windows.net/container/some/rather/long/path/of/a/blob/whose/name/goes/on",
            "https://account.blob.core.windows.net/Models/Run-2026-11-25/Epoch_0042/Optimizer-State_Part_07.bin",
            "AuthorizationPermissionMismatchBecauseOfTheRoleAssignmentsOfTheStorageAccountInThisResourceGroup",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8/6ba7b811-9dad-11d1-80b4-00c04fd430c8/6ba7b812-9dad-11d1",
            "sha256:3f79bb7b435b05321651daefd374cdc681dc06faa65e374e38337b88ca046dea",
            "1B2M2Y8AsgTpgAmY7PhCfg==",
            "\"0x8DA0000000000A1\"",
            "2026-11-25T14:00:00.0000000Z",
            "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
            "error=\"invalid_token\",",
            "token_type=x",
            "config=abc",
            "user@host.example",
            "https://host.example:443/a@b",
            "(keyJa)",
            "100%",
            "\\u00",
            "\\u00zz",
            "sig=",
        ] {
            assert!(!looks_secret(word), "{word}");
        }
    }

    #[test]
    fn what_announces_a_secret() {
        for word in [
            "Bearer",
            "\"Bearer",
            "bearer:",
            "\"password\":",
            "AccountKey=",
            "sig=",
        ] {
            assert!(announces_secret(word), "{word}");
        }
        for word in ["token", "signature", "error:", "=", ""] {
            assert!(!announces_secret(word), "{word}");
        }
    }
}
