//! The archive around a bundle: cut, lengthened, with files twice, with links and names that leave it.

use ecluse_recordings::verify::Verdict::{Altered, Missing};
use ecluse_recordings::verify::verify;

use crate::site::{Bundle, Site, assert_found, assert_intact, trusting};

#[test]
fn archive_truncated() {
    let site = Site::new();
    let bundle = site.bundle();
    let whole = bundle.tar();
    let directory = tempfile::tempdir().unwrap();
    for keep in [
        whole.len() - 1024,
        whole.len() - 1025,
        whole.len() / 2,
        whole.len() / 2 + 100,
        700,
    ] {
        let path = directory.path().join("cut.tar");
        std::fs::write(&path, &whole[..keep]).unwrap();
        match verify(&path, &trusting()) {
            Ok(report) => assert_found(&report, Missing, "the archive"),
            // So little of it that it is no bundle.
            Err(error) => assert!(keep < 1000, "{error}"),
        }
    }
}

#[test]
fn bytes_after_the_archive() {
    let site = Site::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("long.tar");
    let mut bytes = site.bundle().tar();
    bytes.extend_from_slice(&[0; 10240]);
    std::fs::write(&path, &bytes).unwrap();
    assert_intact(&verify(&path, &trusting()).unwrap());
    bytes.extend_from_slice(b"more");
    std::fs::write(&path, &bytes).unwrap();
    assert_found(&verify(&path, &trusting()).unwrap(), Altered, "the archive");
}

#[test]
fn bytes_between_files() {
    let site = Site::new();
    let bundle = site.bundle();
    let mut bytes = bundle.tar();
    let first = bundle.files.values().next().unwrap().len();
    assert!(!first.is_multiple_of(512));
    bytes[512 + first] = b'x';
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.tar");
    std::fs::write(&path, &bytes).unwrap();
    assert_found(&verify(&path, &trusting()).unwrap(), Altered, "the archive");
}

#[test]
fn file_twice_in_the_archive() {
    let site = Site::new();
    let bundle = site.bundle();
    let mut again = Bundle::default();
    again.put("index.html", "another");
    let (one, other) = (bundle.tar(), again.tar());
    let mut both = one[..one.len() - 1024].to_vec();
    both.extend_from_slice(&other);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bundle.tar");
    std::fs::write(&path, &both).unwrap();
    assert_found(&verify(&path, &trusting()).unwrap(), Altered, "index.html");
}

#[test]
fn links_devices_and_names_that_leave() {
    let site = Site::new();
    let whole = site.bundle().tar();
    let directory = tempfile::tempdir().unwrap();
    let odd = |kind: tar::EntryType, name: &str, link: &str| {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(0);
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        let mut bytes = header.as_bytes().to_vec();
        bytes.extend_from_slice(&whole);
        let path = directory.path().join("odd.tar");
        std::fs::write(&path, bytes).unwrap();
        verify(&path, &trusting()).unwrap()
    };
    use tar::EntryType;
    for (kind, name, link) in [
        (EntryType::Symlink, "link", "/etc/passwd"),
        (EntryType::Link, "hard", "index.html"),
        (EntryType::Char, "device", ""),
        (EntryType::Fifo, "pipe", ""),
        (EntryType::Directory, "recordings/", ""),
        (EntryType::XGlobalHeader, "pax", ""),
        (EntryType::GNULongName, "long", ""),
        (EntryType::Regular, "../outside", ""),
        (EntryType::Regular, "/etc/cron.d/x", ""),
        (EntryType::Regular, "a\x1b[2J", ""),
    ] {
        let report = odd(kind, name, link);
        assert_found(&report, Altered, "the archive");
        assert!(!report.text().contains('\x1b'));
    }
    assert!(!directory.path().join("outside").exists());

    // Unpacked, with a link among the files.
    let unpacked = tempfile::tempdir().unwrap();
    tar::Archive::new(whole.as_slice())
        .unpack(unpacked.path())
        .unwrap();
    let index = unpacked.path().join("index.html");
    std::fs::rename(&index, directory.path().join("index.html")).unwrap();
    std::os::unix::fs::symlink(directory.path().join("index.html"), &index).unwrap();
    assert_found(
        &verify(unpacked.path(), &trusting()).unwrap(),
        Altered,
        "the archive",
    );
}

#[test]
fn what_is_no_bundle_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x");
    for bytes in [&b""[..], b"text", &[0; 4096], &[0xff; 4096]] {
        std::fs::write(&path, bytes).unwrap();
        assert!(verify(&path, &trusting()).is_err());
    }
    assert!(verify(directory.path(), &trusting()).is_err());
    assert!(verify(&directory.path().join("nowhere"), &trusting()).is_err());
    std::fs::write(directory.path().join("live.journal"), b"").unwrap();
    std::fs::remove_file(path).unwrap();
    let error = verify(directory.path(), &trusting())
        .unwrap_err()
        .to_string();
    assert!(error.contains("not sealed"), "{error}");
}
