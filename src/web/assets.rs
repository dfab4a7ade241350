//! The files of `static/`: inside the binary, under an address that changes with their content.
use std::collections::HashMap;
use std::sync::OnceLock;

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Where the files live.
pub const PREFIX: &str = "/static/";

/// The address of a file, with its content's digest: `/static/css/callout.css?v=1f0c…`.
pub fn address(path: &str) -> String {
    match versions().get(path) {
        Some(version) => format!("{PREFIX}{path}?v={version}"),
        None => format!("{PREFIX}{path}"),
    }
}

/// A file by its path; notes for ourselves are not given out.
fn find(path: &str) -> Option<EmbeddedFile> {
    if path.ends_with(".md") { None } else { Files::get(path) }
}

fn versions() -> &'static HashMap<String, String> {
    static VERSIONS: OnceLock<HashMap<String, String>> = OnceLock::new();
    VERSIONS.get_or_init(|| {
        let versioned = |path: &str| Some((path.to_owned(), version(&find(path)?)));
        Files::iter().filter_map(|path| versioned(&path)).collect()
    })
}

fn version(file: &EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// GET /static/{path}: kept for a year under the versioned address, else asked for again each time.
pub async fn serve(req: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let Some(file) = find(&path) else { return HttpResponse::NotFound().finish() };
    let version = version(&file);
    let tag = format!("\"{version}\"");
    // A debug build reads from disk, where the file may have changed since the address was made.
    let is_exact = !cfg!(debug_assertions) && req.query_string() == format!("v={version}");
    let keep = if is_exact { "public, max-age=31536000, immutable" } else { "no-cache" };
    let known = req.headers().get(IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.trim_start_matches("W/") == tag) {
        return HttpResponse::NotModified()
            .insert_header((ETAG, tag))
            .insert_header((CACHE_CONTROL, keep))
            .finish();
    }
    HttpResponse::Ok()
        .content_type(content_type(&path))
        .insert_header((ETAG, tag))
        .insert_header((CACHE_CONTROL, keep))
        .body(file.data.into_owned())
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

    #[test]
    fn every_file_has_a_type_and_an_address_that_names_its_content() {
        for path in Files::iter().filter(|path| find(path).is_some()) {
            assert_ne!(content_type(&path), "application/octet-stream", "{path}");
            assert!(address(&path).contains("?v="), "{path}");
        }
        assert!(find("vendor/VENDOR.md").is_none());
    }
}
