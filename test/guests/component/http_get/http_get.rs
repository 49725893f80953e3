// http_get URL: a command that fetches a URL and writes status and body to the standard output.

use wasip2::http::outgoing_handler;
use wasip2::http::types::*;
use wasip2::io::streams::StreamError;

fn main() {
    let url = std::env::args().nth(1).unwrap();
    let (scheme, rest) = url.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let r = OutgoingRequest::new(Fields::new());
    r.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).unwrap();
    r.set_authority(Some(authority)).unwrap();
    r.set_path_with_query(Some(path)).unwrap();
    let future = outgoing_handler::handle(r, None).unwrap_or_else(|e| fail(&format!("{e:?}")));
    future.subscribe().block();
    let response = future.get().unwrap().unwrap().unwrap_or_else(|e| fail(&format!("{e:?}")));
    println!("{}", response.status());
    let body = response.consume().unwrap();
    let from = body.stream().unwrap();
    let out = wasip2::cli::stdout::get_stdout();
    loop {
        match out.blocking_splice(&from, 1 << 20) {
            Ok(_) => {}
            Err(StreamError::Closed) => return,
            Err(e) => fail(&format!("{e:?}")),
        }
    }
}

fn fail(why: &str) -> ! {
    println!("{why}");
    std::process::exit(1)
}
