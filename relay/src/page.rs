//! The page: files of `web/dist`, packed into the binary by `build.rs`, or read from a directory while it is worked on.

use crate::http::{Body, content, full, text};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use std::path::{Component, Path, PathBuf};

include!(concat!(env!("OUT_DIR"), "/page.rs"));

struct File {
    path: &'static str,
    bytes: &'static [u8],
    gzip: Option<&'static [u8]>,
    tag: &'static str,
}

const NOT_BUILT: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">
<title>ethertab: the page is not built</title>
<style>body{font:16px/1.6 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em}code{background:#8883;padding:.1em .3em}</style>
<h1>The relay runs, the page is missing</h1>
<p>This relay was compiled before the page was built, so there is nothing to show here. The tunnel at
<code>/tunnel</code> works all the same.</p>
<p>Build both with <code>make demo</code>. Or build the page alone with <code>npm run build</code> in <code>web/</code>
and start the relay with <code>--page web/dist</code>.</p>
";

/// Where the page comes from.
#[derive(Clone, Debug)]
pub enum Page {
    /// The binary.
    Embedded,
    /// A directory, read anew for each request.
    Directory(PathBuf),
}

impl Page {
    /// Whether there is a page in the binary.
    #[must_use]
    pub fn is_built() -> bool {
        FILES.iter().any(|file| file.path == "index.html")
    }

    /// Answers a GET or HEAD of a path, which begins with a slash.
    pub async fn answer(&self, path: &str, headers: &HeaderMap) -> Response<Body> {
        let path = match path.trim_start_matches('/') {
            "" => "index.html",
            path => path,
        };
        let mut response = match self {
            Page::Embedded => embedded(path, headers),
            Page::Directory(directory) => from_directory(directory, path).await,
        };
        let headers = response.headers_mut();
        let nosniff = HeaderValue::from_static("nosniff");
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
        // A page of somebody else's must not show ours in a frame and have it clicked on.
        let own_frames = HeaderValue::from_static("frame-ancestors 'self'");
        headers.insert(header::CONTENT_SECURITY_POLICY, own_frames);
        response
    }
}

fn embedded(path: &str, headers: &HeaderMap) -> Response<Body> {
    let Some(file) = FILES.iter().find(|file| file.path == path) else {
        return if path == "index.html" {
            content(StatusCode::OK, "text/html; charset=utf-8", NOT_BUILT)
        } else {
            not_found()
        };
    };
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag == file.tag);
    let mut response = if known {
        let mut response = Response::new(full(""));
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else if let Some(gzip) = file.gzip.filter(|_| accepts_gzip(headers)) {
        let mut response = content(StatusCode::OK, content_type(path), gzip);
        response
            .headers_mut()
            .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    } else {
        content(StatusCode::OK, content_type(path), file.bytes)
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::from_static(file.tag));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    // Vite puts a hash of the content into the names below assets/: such a file never changes.
    let cache = if path.starts_with("assets/") {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

async fn from_directory(directory: &Path, path: &str) -> Response<Body> {
    let relative = Path::new(path);
    // Nothing but plain names: no way up and out of the directory.
    if !relative
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
    {
        return not_found();
    }
    match tokio::fs::read(directory.join(relative)).await {
        Ok(bytes) => {
            let mut response = content(StatusCode::OK, content_type(path), bytes);
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        Err(_) if path == "index.html" => {
            let message = format!(
                "There is no index.html in {}, where --page points.\n",
                directory.display()
            );
            text(StatusCode::NOT_FOUND, message)
        }
        Err(_) => not_found(),
    }
}

fn not_found() -> Response<Body> {
    text(
        StatusCode::NOT_FOUND,
        "There is nothing here. The page is at /, the tunnel at /tunnel.\n",
    )
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.split(',').any(|coding| coding.trim() == "gzip"))
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[test]
    fn wasm_has_the_type_that_streaming_compilation_asks_for() {
        assert_eq!(
            content_type("assets/ethertab_bg-1a2b.wasm"),
            "application/wasm"
        );
        assert_eq!(content_type("unknown"), "application/octet-stream");
    }

    #[tokio::test]
    async fn the_root_is_always_a_page() {
        let response = Page::Embedded.answer("/", &HeaderMap::new()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(b"<!doctype html>") || Page::is_built());
    }

    #[tokio::test]
    async fn a_directory_does_not_let_anybody_out() {
        let page = Page::Directory(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"));
        assert_eq!(
            page.answer("/lib.rs", &HeaderMap::new()).await.status(),
            StatusCode::OK
        );
        for path in [
            "/../Cargo.toml",
            "/./../Cargo.toml",
            "/switch/../../Cargo.toml",
            "//etc/passwd",
        ] {
            let status = page.answer(path, &HeaderMap::new()).await.status();
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[test]
    fn gzip_goes_to_those_who_take_it() {
        let mut headers = HeaderMap::new();
        assert!(!accepts_gzip(&headers));
        headers.insert(
            header::ACCEPT_ENCODING,
            HeaderValue::from_static("br, gzip, zstd"),
        );
        assert!(accepts_gzip(&headers));
    }
}
