//! The files of `static/`: inside the binary, under an address that changes with their content, compressed once.
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{LazyLock, OnceLock};

use actix_web::http::header::{
    AcceptEncoding, CACHE_CONTROL, CONTENT_ENCODING, ETAG, Encoding, Header, IF_NONE_MATCH, VARY,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Where the files live.
pub const PREFIX: &str = "/static/";

/// Under an address with the content's digest: a year.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Under any other: to be asked for again each time.
const ASK_AGAIN: &str = "no-cache";
/// Browsers ask for `/favicon.ico` by themselves, without our digest: a day.
const A_DAY: &str = "public, max-age=86400";

/// A file as it is served. A debug build reads it from disk once, at first use: restart to see a change.
struct File {
    content: Bytes,
    /// The content's digest.
    version: String,
    kind: &'static str,
    /// Made at the first request that takes it; None if it is no smaller than the content.
    gzip: OnceLock<Option<Bytes>>,
}

impl File {
    fn load(path: &str) -> Option<Self> {
        // Notes for ourselves are not given out.
        let file = if path.ends_with(".md") { None } else { Files::get(path) }?;
        let version = file.metadata.sha256_hash()[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Some(Self {
            content: Bytes::from(file.data.into_owned()),
            version,
            kind: content_type(path),
            gzip: OnceLock::new(),
        })
    }

    /// As small as it gets: this is done once a file and paid for by every visitor.
    fn gzip(&self) -> Option<&Bytes> {
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
            let written = encoder.write_all(&self.content).and_then(|()| encoder.finish());
            written.ok().filter(|packed| packed.len() < self.content.len()).map(Bytes::from)
        };
        self.gzip.get_or_init(compress).as_ref()
    }

    fn answer(&self, req: &HttpRequest, keep: &'static str) -> HttpResponse {
        // Weak: the same for both encodings.
        let tag = format!("W/\"{}\"", self.version);
        let known = req.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
        let is_known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
        let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer.insert_header((ETAG, tag)).insert_header((CACHE_CONTROL, keep));
        answer.insert_header((VARY, "accept-encoding"));
        if is_known {
            return answer.finish();
        }
        answer.content_type(self.kind);
        match self.gzip().filter(|_| takes_gzip(req)) {
            Some(packed) => answer.insert_header((CONTENT_ENCODING, "gzip")).body(packed.clone()),
            None => answer.body(self.content.clone()),
        }
    }
}

static FILES: LazyLock<HashMap<String, File>> =
    LazyLock::new(|| Files::iter().filter_map(|path| Some((path.to_string(), File::load(&path)?))).collect());

/// The address of a file, with its content's digest: `/static/css/callout.css?v=1f0c…`.
pub fn address(path: &str) -> String {
    match FILES.get(path) {
        Some(file) => format!("{PREFIX}{path}?v={}", file.version),
        None => format!("{PREFIX}{path}"),
    }
}

/// GET /static/{path}: kept for a year under the versioned address, else asked for again each time.
pub async fn serve(req: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let Some(file) = FILES.get(path.as_str()) else { return HttpResponse::NotFound().finish() };
    let is_exact = req.query_string().strip_prefix("v=") == Some(&file.version);
    file.answer(&req, if is_exact { FOREVER } else { ASK_AGAIN })
}

/// GET /favicon.ico: for whatever looks for it there. Pages name the SVG.
pub async fn favicon(req: HttpRequest) -> HttpResponse {
    match FILES.get("favicon.ico") {
        Some(file) => file.answer(&req, A_DAY),
        None => HttpResponse::NotFound().finish(),
    }
}

fn takes_gzip(req: &HttpRequest) -> bool {
    // Nothing named: as it is, for those who do not know of encodings.
    let Some(accepted) = AcceptEncoding::parse(req).ok().filter(|accepted| !accepted.0.is_empty()) else {
        return false;
    };
    accepted.negotiate([Encoding::gzip(), Encoding::identity()].iter()) == Some(Encoding::gzip())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn every_file_has_a_type_and_an_address_that_names_its_content() {
        assert!(FILES.len() > 10);
        for (path, file) in FILES.iter() {
            assert_ne!(file.kind, "application/octet-stream", "{path}");
            assert!(address(path).contains("?v="), "{path}");
        }
        assert!(!FILES.contains_key("vendor/VENDOR.md"));
    }

    #[test]
    fn who_takes_gzip_gets_it_and_nobody_else() {
        let takes = |accepted: &str| {
            takes_gzip(&TestRequest::default().insert_header(("accept-encoding", accepted)).to_http_request())
        };
        assert!(takes("gzip, deflate, br, zstd") && takes("gzip;q=0.5, identity;q=0.1"));
        assert!(!takes("br") && !takes("gzip;q=0") && !takes("identity"));
        assert!(!takes_gzip(&TestRequest::default().to_http_request()));
    }
}
