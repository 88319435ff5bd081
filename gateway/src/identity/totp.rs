//! One-time passwords (RFC 6238): secrets, codes, and the URL an authenticator application reads.
//!
//! This module says which step a code belongs to; that a step is accepted once only is the store's
//! business (A6). SHA-1, six digits and thirty seconds are what every application understands; the
//! security of HMAC does not rest on SHA-1's resistance to collisions.

use ecluse_policy::{PersonId, Timestamp};
use totp_rs::{Algorithm, Builder, Secret as Bytes, Totp, TotpError};
use zeroize::Zeroizing;

use crate::secrets::{self, SecretError};

/// Length of a new secret: that of the hash, as RFC 4226 §4 recommends.
const SECRET_LEN: usize = 20;

/// Shortest secret taken from elsewhere (RFC 4226 §4: at least 128 bits).
const SHORTEST_SECRET: usize = 16;

/// Longest secret taken from elsewhere: a block of the hash.
const LONGEST_SECRET: usize = 64;

/// Seconds a code stands for.
const STEP_SECONDS: u64 = 30;

/// Steps that a clock may be early or late.
const SKEW: u16 = 1;

/// Why a secret from elsewhere is not taken.
#[derive(Debug, thiserror::Error)]
#[error(
    "not a one-time-password secret ({0}); accepted: base32 (A-Z, 2-7) of {SHORTEST_SECRET} to {LONGEST_SECRET} bytes"
)]
pub struct NotASecret(String);

/// A person's one-time-password secret.
pub struct TotpSecret(Totp);

impl std::fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// A new secret.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate() -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(secrets::random::<SECRET_LEN>()?);
        totp(bytes.to_vec(), "")
            .map(Self)
            .map_err(|_| SecretError::NoRandomness)
    }

    /// A secret kept by the store.
    ///
    /// # Errors
    /// It is too short or too long to be one.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotASecret> {
        if !(SHORTEST_SECRET..=LONGEST_SECRET).contains(&bytes.len()) {
            return Err(NotASecret(format!("{} bytes", bytes.len())));
        }
        totp(bytes.to_vec(), "")
            .map(Self)
            .map_err(|error| NotASecret(error.to_string()))
    }

    /// A secret in base32, as hardware tokens and other systems hand it over; spaces and `=` are ignored.
    ///
    /// # Errors
    /// It is not base32, or not of a secret's length.
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        let cleaned: Zeroizing<String> = Zeroizing::new(
            text.chars()
                .filter(|c| !c.is_ascii_whitespace() && *c != '=')
                .map(|c| c.to_ascii_uppercase())
                .collect(),
        );
        let bytes = Bytes::try_from_base32(cleaned.as_str())
            .map_err(|_| NotASecret("not base32".into()))?;
        Self::from_bytes(bytes.as_bytes())
    }

    /// The secret's bytes, to be sealed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }

    /// The secret in base32, for whoever types it into an application.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.secret().to_base32())
    }

    /// What an authenticator application reads: `otpauth://totp/ISSUER:PERSON?secret=…&issuer=…`.
    ///
    /// # Errors
    /// The issuer holds a colon.
    pub fn url(&self, issuer: &str, person: &PersonId) -> Result<Zeroizing<String>, TotpError> {
        let labelled = builder(self.as_bytes().to_vec(), person.as_str())
            .with_issuer(Some(issuer))
            .build()?;
        labelled.to_url().map(Zeroizing::new)
    }

    /// The step that `code` belongs to, when it is right at `now`, one step early or late included.
    ///
    /// Only six ASCII digits are a code; spaces between them are how applications show it.
    pub fn check(&self, code: &str, now: Timestamp) -> Option<u64> {
        let code = digits(code)?;
        let seconds = u64::try_from(now.as_micros() / 1_000_000).ok()?;
        self.0.check(&code, seconds)
    }

    /// Whether `code` is the code of exactly this step, whatever the time is.
    pub fn is_code_of(&self, code: &str, step: u64) -> bool {
        digits(code).is_some_and(|code| {
            self.0.check(&code, step.saturating_mul(STEP_SECONDS)) == Some(step)
        })
    }

    /// The code at `now`, for tests of other rooms.
    #[cfg(test)]
    pub fn code(&self, now: Timestamp) -> String {
        self.0
            .generate(u64::try_from(now.as_micros() / 1_000_000).unwrap())
            .to_string()
    }
}

/// The latest step whose code is right at a time.
pub fn latest_step(now: Timestamp) -> u64 {
    let seconds = u64::try_from(now.as_micros() / 1_000_000).unwrap_or(0);
    (seconds / STEP_SECONDS).saturating_add(u64::from(SKEW))
}

/// Checks `code` against a secret that nobody has, so that who has no second factor takes as long to refuse as a
/// wrong code (A6).
pub fn check_nobody(code: &str, now: Timestamp) {
    let nobody = totp(vec![0; SECRET_LEN], "").map(TotpSecret);
    std::hint::black_box(nobody.map(|secret| secret.check(code, now)).ok().flatten());
}

/// Whether an answer can be a code at all, whoever gives it.
pub fn is_shaped(code: &str) -> bool {
    digits(code).is_some()
}

fn digits(code: &str) -> Option<Zeroizing<String>> {
    let mut digits = Zeroizing::new(String::with_capacity(6));
    for character in code.chars().filter(|c| *c != ' ') {
        if !character.is_ascii_digit() || digits.len() == 6 {
            return None;
        }
        digits.push(character);
    }
    (digits.len() == 6).then_some(digits)
}

fn builder(secret: Vec<u8>, account: &str) -> Builder {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(STEP_SECONDS)
        .with_secret(secret)
        .with_account_name(account)
}

fn totp(secret: Vec<u8>, account: &str) -> Result<Totp, TotpError> {
    builder(secret, account).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_micros(i64::try_from(seconds).unwrap() * 1_000_000)
    }

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // RFC 6238 appendix B, SHA-1, the last six of its eight digits.
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_234_567_890, "005924"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(
                secret.check(code, at(seconds)),
                Some(seconds / 30),
                "{seconds}"
            );
        }
    }

    #[test]
    fn a_code_counts_one_step_early_or_late_and_no_more() {
        let secret = TotpSecret::generate().unwrap();
        let code = secret.code(at(3000));
        for (now, step) in [
            (2969, None),
            (2970, Some(100)),
            (3000, Some(100)),
            (3059, Some(100)),
            (3060, None),
        ] {
            assert_eq!(secret.check(&code, at(now)), step, "{now}");
        }
    }

    #[test]
    fn only_six_ascii_digits_are_a_code() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        assert_eq!(secret.check("287 082", at(59)), Some(1));
        for bad in [
            "",
            "28708",
            "2870820",
            "+87082",
            "-87082",
            "287082\n",
            "２８７０８２",
            "28708a",
            &"2".repeat(10_000),
        ] {
            assert_eq!(secret.check(bad, at(59)), None, "{bad:?}");
        }
        assert_eq!(
            secret.check("287082", Timestamp::from_micros(-1_000_000)),
            None,
            "before 1970 no code is right"
        );
    }

    #[test]
    fn the_url_is_what_applications_read() {
        let secret = TotpSecret::from_bytes(b"12345678901234567890").unwrap();
        let url = secret
            .url("Ecluse", &PersonId::parse("alice").unwrap())
            .unwrap();
        assert!(
            url.starts_with("otpauth://totp/Ecluse:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"),
            "{}",
            *url
        );
        assert!(url.contains("issuer=Ecluse"), "{}", *url);
    }

    #[test]
    fn a_secret_is_read_from_base32_as_people_write_it() {
        let secret = TotpSecret::parse("gezd gnbv gy3t qojq\nGEZDGNBVGY3TQOJQ==\n").unwrap();
        assert_eq!(secret.as_bytes(), b"12345678901234567890");
        for bad in ["", "A", "GEZDGNBV", "not base32!", &"A".repeat(200)] {
            assert!(
                TotpSecret::parse(bad)
                    .unwrap_err()
                    .to_string()
                    .contains("base32"),
                "{bad}"
            );
        }
    }

    #[test]
    fn two_new_secrets_differ() {
        assert_ne!(
            TotpSecret::generate().unwrap().as_bytes(),
            TotpSecret::generate().unwrap().as_bytes()
        );
    }
}
