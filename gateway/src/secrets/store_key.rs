//! The key of one store: it seals what the store holds, and marks what its gateways say to one another.

use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use zeroize::{Zeroize, Zeroizing};

use super::{
    CREDENTIAL, KEY_FILE, KEY_LEN, SecretError, check_permissions, create_secret, random,
    read_secret,
};

/// The key that seals secrets in the store.
pub struct StoreKey {
    key: RandomizedNonceKey,
    /// Marks words between gateways of one store; made from the same bytes, for this alone.
    marking: hmac::Key,
    /// Where it came from, for errors.
    place: PathBuf,
}

impl std::fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoreKey(…)")
    }
}

/// What the key that marks is made for.
const MARKING: &[u8] = b"ecluse: words between gateways";
/// First byte of every sealed value, so that another algorithm can follow one day.
const SEALED_V1: u8 = 1;

impl StoreKey {
    /// Takes the key from systemd's credentials where there is one, else from `keys_dir/store.key`. `None` where there is
    /// neither: whether one may be made then, the store knows.
    ///
    /// # Errors
    /// The file cannot be read, is not a key, or others may read it.
    pub fn load(keys_dir: &Path, credentials: Option<&Path>) -> Result<Option<Self>, SecretError> {
        let credential = credentials.map(|dir| dir.join(CREDENTIAL));
        // systemd answers for the permissions of its own directory.
        if let Some(path) = credential.filter(|path| path.exists()) {
            return Self::from_bytes(&path, &read_secret(&path)?).map(Some);
        }
        let path = keys_dir.join(KEY_FILE);
        if !path.exists() {
            return Ok(None);
        }
        check_permissions(&path)?;
        Self::from_bytes(&path, &read_secret(&path)?).map(Some)
    }

    /// Makes `keys_dir/store.key`, for a store that is new. One that is there already is the key.
    ///
    /// # Errors
    /// The file cannot be made or read, or others may read it.
    pub fn create(keys_dir: &Path) -> Result<Self, SecretError> {
        let path = keys_dir.join(KEY_FILE);
        let bytes = Zeroizing::new(random::<KEY_LEN>()?);
        create_secret(&path, bytes.as_slice())?;
        check_permissions(&path)?;
        Self::from_bytes(&path, &read_secret(&path)?)
    }

    /// That it is of another store.
    pub fn is_another(&self) -> SecretError {
        SecretError::OtherKey {
            path: self.place.clone(),
        }
    }

    fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, SecretError> {
        let not_a_key = || SecretError::NotAKey {
            path: path.to_owned(),
            found: bytes.len(),
        };
        if bytes.len() != KEY_LEN {
            return Err(not_a_key());
        }
        let key = RandomizedNonceKey::new(&AES_256_GCM, bytes).map_err(|_| not_a_key())?;
        let marking = hmac::sign(&hmac::Key::new(HMAC_SHA256, bytes), MARKING);
        Ok(Self {
            key,
            marking: hmac::Key::new(HMAC_SHA256, marking.as_ref()),
            place: path.to_owned(),
        })
    }

    /// A mark under this text that nobody can make without the key: 32 bytes of HMAC-SHA-256 (RFC 2104).
    pub fn mark(&self, text: &str) -> Vec<u8> {
        hmac::sign(&self.marking, text.as_bytes()).as_ref().to_vec()
    }

    /// Whether `mark` was made under this text, with this key.
    pub fn is_marked(&self, text: &str, mark: &[u8]) -> bool {
        hmac::verify(&self.marking, text.as_bytes(), mark).is_ok()
    }

    /// Seals `secret` for one place of the store, so that it opens nowhere else: a row copied over another
    /// does not give its owner another's secret.
    ///
    /// **Shape**: one byte of version, 12 of nonce, the cipher text, 16 of tag.
    ///
    /// # Errors
    /// [`SecretError::NoRandomness`].
    pub fn seal(&self, table: &str, row: &str, secret: &[u8]) -> Result<Vec<u8>, SecretError> {
        let mut body = secret.to_vec();
        let nonce = match self
            .key
            .seal_in_place_append_tag(Aad::from(place(table, row)), &mut body)
        {
            Ok(nonce) => nonce,
            Err(_) => {
                body.zeroize();
                return Err(SecretError::NoRandomness);
            }
        };
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len());
        sealed.push(SEALED_V1);
        sealed.extend_from_slice(nonce.as_ref());
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`seal`](Self::seal) sealed for the same place.
    ///
    /// # Errors
    /// [`SecretError::Unsealable`] for another key, another place, or altered bytes.
    pub fn open(
        &self,
        table: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let unsealable = || SecretError::Unsealable {
            place: format!("{table} {row}"),
        };
        let (&version, rest) = sealed.split_first().ok_or_else(unsealable)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(unsealable)?;
        if version != SEALED_V1 {
            return Err(unsealable());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unsealable())?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self
            .key
            .open_in_place(nonce, Aad::from(place(table, row)), &mut body)
            .map_err(|_| unsealable())?
            .len();
        body.truncate(length);
        Ok(body)
    }
}

/// The additional data of a sealed value. Table names hold no NUL, so two places never read alike.
fn place(table: &str, row: &str) -> Vec<u8> {
    [table.as_bytes(), &[0], row.as_bytes()].concat()
}
