use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

fn made_with(key: &KeyPair, change: impl FnOnce(&mut CertificateParams)) -> String {
    let mut params = CertificateParams::new(vec!["callout.example".to_owned()]).unwrap();
    change(&mut params);
    params.self_signed(key).unwrap().pem()
}

/// A certificate and its key.
fn made() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    (made_with(&key, |_| {}), key.serialize_pem())
}

fn refused(pem: &str) -> CertificateError {
    let error = read(pem, &provider()).expect_err("it was accepted");
    assert!(error.to_string().ends_with(['.', ')']), "{error}");
    error
}

#[test]
fn a_certificate_and_its_key_are_read_in_either_order_with_text_around() {
    let (certificate, key) = made();
    for pem in [
        format!("{certificate}{key}"),
        format!("{key}\n{certificate}"),
        format!("Subject: me\r\n{}\r\nand\r\n{key}", certificate.replace('\n', "\r\n")),
        format!("{certificate}{}{key}", made().0),
    ] {
        assert!(read(&pem, &provider()).is_ok(), "{pem}");
    }
}

#[test]
fn keys_of_all_usual_kinds_and_forms_are_read() {
    for kind in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let key = KeyPair::generate_for(kind).unwrap();
        assert!(read(&(made_with(&key, |_| {}) + &key.serialize_pem()), &provider()).is_ok());
    }
    // Made with `openssl req -x509` and `openssl rsa -traditional`, `openssl ec`: keys of tests, used for nothing else.
    for pem in [include_str!("rsa_pkcs1.pem"), include_str!("ec_sec1.pem")] {
        assert_eq!(read(pem, &provider()).map(|_| ()), Ok(()));
    }
}

#[test]
fn what_is_missing_or_wrong_is_said() {
    let ((certificate, key), (other, other_key)) = (made(), made());
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n\
                 -----END RSA PRIVATE KEY-----\n";
    let damaged = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let damaged_key = "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n";
    for (pem, expected) in [
        (String::new(), CertificateError::NoCertificate),
        ("secret".to_owned(), CertificateError::NoCertificate),
        (key.clone(), CertificateError::NoCertificate),
        (certificate.clone(), CertificateError::NoKey),
        (format!("{certificate}{encrypted}"), CertificateError::EncryptedKey),
        (format!("{certificate}{older}"), CertificateError::EncryptedKey),
        (format!("{certificate}{key}{other_key}"), CertificateError::SeveralKeys),
        (format!("{certificate}{other_key}"), CertificateError::NotItsKey),
        (format!("{other}{certificate}{key}"), CertificateError::NotItsKey),
        (format!("{certificate}{damaged}{key}"), CertificateError::Unreadable(2)),
        (format!("{damaged}{key}"), CertificateError::Unreadable(1)),
        (format!("{certificate}{damaged_key}"), CertificateError::UnusableKey),
        (format!("{certificate}{}", &key[..60]), CertificateError::Malformed),
        (
            format!("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n{key}"),
            CertificateError::Malformed,
        ),
        (certificate.repeat(11) + &key, CertificateError::ChainTooLong),
        ("x".repeat(PEM_BYTES_MAX + 1), CertificateError::TooLong),
    ] {
        assert_eq!(refused(&pem), expected, "{pem}");
    }
}

#[test]
fn a_certificate_is_used_in_its_time() {
    let key = KeyPair::generate().unwrap();
    let judged = |from: OffsetDateTime, until: OffsetDateTime| {
        let pem = made_with(&key, |params| (params.not_before, params.not_after) = (from, until));
        let certified = read(&(pem + &key.serialize_pem()), &provider()).unwrap();
        assert_eq!(validity(&certified.cert[0]), Some((from, until)));
        in_its_time(&certified, NOW)
    };
    let (past, soon) = (datetime!(1999-12-31 23:59:59 UTC), datetime!(2026-11-21 12:00:01 UTC));
    assert_eq!(judged(past, soon), Ok(None));
    assert_eq!(judged(past, NOW), Ok(None), "the last second counts");
    assert_eq!(judged(past, datetime!(9999-12-31 23:59:59 UTC)), Ok(None), "for good");
    let yesterday = datetime!(2026-11-20 12:00 UTC);
    assert_eq!(judged(past, yesterday), Err(CertificateError::Expired(yesterday)));
    assert!(CertificateError::Expired(yesterday).to_string().contains("2026-11-20"));
    let early = judged(soon, datetime!(2060-01-01 0:00 UTC)).unwrap();
    assert!(early.is_some_and(|text| text.contains("2026-11-21")));
}

#[test]
fn der_that_is_cut_short_tells_no_time_and_does_no_harm() {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    for end in 0..certificate.der().len() {
        assert_eq!(validity(&certificate.der()[..end]), None);
    }
    for wrong in [&b"\x30\x85\xff\xff\xff\xff\xff"[..], b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\x30"] {
        assert!(element(wrong).is_none());
    }
    for (tag, text) in
        [(0x17, "2611211200Z"), (0x17, "26112112000é"), (0x18, "20261321120000Z"), (4, "261121120000Z")]
    {
        assert_eq!(moment(tag, text.as_bytes()), None, "{text}");
    }
}
