//! Prompts that ask for a secret.

/// Whether a line of output ends as a prompt that asks for a secret, in French or English.
pub(super) fn asks_for_secret(line: &str) -> bool {
    const WORDS: [&str; 20] = [
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pass phrase",
        "pass code",
        "mot de passe",
        "phrase de passe",
        "phrase secr",
        "secret",
        "token",
        "jeton",
        "otp",
        "one-time",
        "one time",
        "verification code",
        "code de v",
        "pin",
        "(current) unix",
        "clé privée",
    ];
    let line = line.trim_end();
    let asks = line.ends_with([':', '?', '>', '：', ']', ')']);
    asks && {
        let line = line.to_lowercase();
        WORDS.iter().any(|word| line.contains(word))
    }
}
