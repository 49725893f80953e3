// A server with a path for each thing that tests want of one.
//
//   /echo          the request's body, as it comes
//   /headers       the request line and the headers, as text
//   /trailers      reads the body, answers with its trailers as text, and with the trailer X-Sum: the number of bytes
//   /proxy         fetches the URL in the header X-Target, with the request's method and body, and passes the response on
//   /many?N        N requests to X-Target at the same time; answers how many came back with 200
//   /slow?MS       waits, then answers
//   /drip?N        N lines, one each 100 ms
//   /spin          computes for ever
//   /trap          traps; /trap-late does so after the beginning of its response
//   /exit          exits with code 3
//   /nothing       returns without a response; /refuse says an error in its place
//   /abort         gives its body up in the middle
//   /file/PATH     a file of the container
//   /env?NAME      a variable
//   /grow          takes memory without end
//   /count         how many requests this instance has answered
//   /print         writes to the standard output and error
//   /early         answers while the request's body is still coming, which it does not read
//   /zeroes?N      N bytes

use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};
use wasip2::clocks::monotonic_clock;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::outgoing_handler;
use wasip2::http::types::*;
use wasip2::io::poll::poll;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Tool;

wasip2::http::proxy::export!(Tool);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Guest for Tool {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let whole = request.path_with_query().unwrap_or_default();
        let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
        let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        match path {
            "/echo" => echo(request, out),
            "/headers" => text(out, 200, &headers(&request)),
            "/trailers" => trailers(request, out),
            "/proxy" => proxy(request, out),
            "/many" => text(out, 200, &many(&request, query.parse().unwrap()).to_string()),
            "/slow" => {
                monotonic_clock::subscribe_duration(query.parse::<u64>().unwrap() * 1_000_000).block();
                text(out, 200, "slow");
            }
            "/drip" => drip(out, query.parse().unwrap()),
            "/spin" => loop {
                std::hint::black_box(count);
            },
            "/trap" => std::process::abort(),
            "/trap-late" => {
                let (_body, stream) = begin(out, 200, Fields::new());
                write(&stream, b"the beginning").unwrap();
                monotonic_clock::subscribe_duration(20_000_000).block();
                std::process::abort()
            }
            "/exit" => std::process::exit(3),
            "/nothing" => {}
            "/refuse" => ResponseOutparam::set(out, Err(ErrorCode::HttpRequestDenied)),
            "/abort" => {
                let (body, stream) = begin(out, 200, Fields::new());
                write(&stream, b"the beginning").unwrap();
                monotonic_clock::subscribe_duration(20_000_000).block();
                drop(stream);
                drop(body);
            }
            "/env" => text(out, 200, &std::env::var(query).unwrap_or_default()),
            "/grow" => {
                let mut all: Vec<Vec<u8>> = Vec::new();
                loop {
                    all.push(vec![1; 1 << 20]);
                }
            }
            "/count" => text(out, 200, &count.to_string()),
            "/print" => {
                println!("printed");
                eprintln!("complained");
                text(out, 200, "done");
            }
            "/early" => text(out, 200, "early"),
            "/zeroes" => zeroes(out, query.parse().unwrap()),
            _ => match path.strip_prefix("/file/") {
                Some(name) => file(out, name),
                None => text(out, 404, "no such thing"),
            },
        }
    }
}

fn begin(out: ResponseOutparam, status: u16, fields: Fields) -> (OutgoingBody, OutputStream) {
    let response = OutgoingResponse::new(fields);
    response.set_status_code(status).unwrap();
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    (body, stream)
}

fn end(body: OutgoingBody, stream: OutputStream) {
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

fn text(out: ResponseOutparam, status: u16, s: &str) {
    let fields = Fields::new();
    fields.append("content-type", b"text/plain").unwrap();
    let (body, stream) = begin(out, status, fields);
    write(&stream, s.as_bytes()).unwrap();
    end(body, stream);
}

fn write(stream: &OutputStream, mut b: &[u8]) -> Result<(), StreamError> {
    while !b.is_empty() {
        stream.subscribe().block();
        let n = (stream.check_write()? as usize).min(b.len());
        stream.write(&b[..n])?;
        b = &b[n..];
    }
    stream.blocking_flush()
}

// copy moves all that comes, without looking at it.
fn copy(from: &InputStream, to: &OutputStream) -> Result<u64, StreamError> {
    let mut total = 0;
    loop {
        match to.blocking_splice(from, 1 << 20) {
            Ok(n) => total += n,
            Err(StreamError::Closed) => return Ok(total),
            Err(e) => return Err(e),
        }
    }
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let fields = Fields::new();
    for (name, value) in request.headers().entries() {
        if name.eq_ignore_ascii_case("content-type") || name.eq_ignore_ascii_case("content-length") {
            fields.append(&name, &value).unwrap();
        }
    }
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let (body, to) = begin(out, 200, fields);
    if copy(&from, &to).is_ok() {
        end(body, to);
    }
}

fn headers(request: &IncomingRequest) -> String {
    let mut s = format!(
        "{:?} {:?} {:?} {:?}\n",
        request.method(), request.scheme(), request.authority(), request.path_with_query()
    );
    for (name, value) in request.headers().entries() {
        s += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
    }
    s
}

fn trailers(request: IncomingRequest, out: ResponseOutparam) {
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let mut total = 0;
    while let Ok(n) = from.blocking_skip(1 << 20) {
        total += n;
    }
    drop(from);
    let future = IncomingBody::finish(incoming);
    future.subscribe().block();
    let mut s = String::new();
    if let Some(t) = future.get().unwrap().unwrap().unwrap() {
        for (name, value) in t.entries() {
            s += &format!("{name}: {}\n", String::from_utf8_lossy(&value));
        }
        assert!(matches!(t.append("x", b"y"), Err(HeaderError::Immutable)));
    }
    assert!(future.get().unwrap().is_err());
    let (body, stream) = begin(out, 200, Fields::new());
    write(&stream, s.as_bytes()).unwrap();
    drop(stream);
    let sum = Fields::from_list(&[("X-Sum".to_string(), total.to_string().into_bytes())]).unwrap();
    OutgoingBody::finish(body, Some(sum)).unwrap();
}

// to makes a request to the URL in the header X-Target, with the header traceparent that X-Traceparent says, or "same" as its own.
fn to(request: &IncomingRequest) -> OutgoingRequest {
    let target = String::from_utf8(request.headers().get("x-target").remove(0)).unwrap();
    let (scheme, rest) = target.split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let fields = Fields::new();
    for (name, value) in request.headers().entries() {
        if name.starts_with("x-pass") || name == "content-length" {
            fields.append(&name, &value).unwrap();
        }
    }
    match request.headers().get("x-traceparent").first() {
        Some(own) if own == b"same" => fields.append("traceparent", &request.headers().get("traceparent")[0]).unwrap(),
        Some(own) => fields.append("traceparent", own).unwrap(),
        None => {}
    }
    let r = OutgoingRequest::new(fields);
    r.set_method(&request.method()).unwrap();
    r.set_scheme(Some(&if scheme == "https" { Scheme::Https } else { Scheme::Http })).unwrap();
    r.set_authority(Some(authority)).unwrap();
    r.set_path_with_query(Some(path)).unwrap();
    r
}

// Streams both ways at the same time: what comes of the response is passed on while the request is still being sent.
fn proxy(request: IncomingRequest, out: ResponseOutparam) {
    let r = to(&request);
    let sending = r.body().unwrap();
    let up = sending.write().unwrap();
    let options = RequestOptions::new();
    let number = |name: &str| request.headers().get(name).first().map(|v| String::from_utf8_lossy(v).parse::<u64>().unwrap() * 1_000_000);
    options.set_connect_timeout(number("x-connect-timeout")).unwrap();
    options.set_first_byte_timeout(number("x-first-byte-timeout")).unwrap();
    options.set_between_bytes_timeout(number("x-between-bytes-timeout")).unwrap();
    let incoming = request.consume().unwrap();
    let from = incoming.stream().unwrap();
    let future = match outgoing_handler::handle(r, Some(options)) {
        Ok(f) => f,
        Err(e) => return text(out, 502, &format!("{e:?}")),
    };
    let mut sending = Some((sending, up));
    let arrived = future.subscribe();
    let readable = from.subscribe();
    // The request's body goes up until the response is there.
    while !arrived.ready() {
        let Some((_, up)) = &sending else {
            arrived.block();
            break;
        };
        let writable = up.subscribe();
        poll(&[&arrived, &readable]);
        if !readable.ready() {
            continue;
        }
        poll(&[&arrived, &writable]);
        let moved = if writable.ready() { up.splice(&from, 1 << 20) } else { Ok(0) };
        drop(writable);
        if moved.is_err() {
            let (body, up) = sending.take().unwrap();
            drop(up);
            let _ = OutgoingBody::finish(body, None);
        }
    }
    let response = match future.get().unwrap().unwrap() {
        Ok(r) => r,
        Err(e) => return text(out, 502, &format!("{e:?}")),
    };
    let fields = Fields::new();
    for (name, value) in response.headers().entries() {
        if name.starts_with("x-") {
            fields.append(&name, &value).unwrap();
        }
    }
    let (body, down) = begin(out, response.status(), fields);
    let answer = response.consume().unwrap();
    let back = answer.stream().unwrap();
    let comes = back.subscribe();
    loop {
        // Both directions, whichever can go on.
        let mut waits = vec![&comes];
        if sending.is_some() {
            waits.push(&readable);
        }
        poll(&waits);
        if comes.ready() {
            match down.blocking_splice(&back, 1 << 20) {
                Ok(_) => {}
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(e)) => {
                    eprintln!("the response broke off: {:?}", http_error_code(&e));
                    return;
                }
            }
        }
        if readable.ready() {
            if let Some((_, up)) = &sending {
                if up.check_write().is_ok_and(|n| n == 0) {
                    continue;
                }
                if up.splice(&from, 1 << 20).is_err() {
                    let (body, up) = sending.take().unwrap();
                    drop(up);
                    let _ = OutgoingBody::finish(body, None);
                }
            }
        }
    }
    end(body, down);
}

fn many(request: &IncomingRequest, n: usize) -> usize {
    let futures: Vec<_> = (0..n).map(|_| outgoing_handler::handle(to(request), None).unwrap()).collect();
    futures
        .iter()
        .filter(|f| {
            f.subscribe().block();
            f.get().unwrap().unwrap().is_ok_and(|r| r.status() == 200)
        })
        .count()
}

fn drip(out: ResponseOutparam, n: u32) {
    let (body, stream) = begin(out, 200, Fields::new());
    for i in 0..n {
        if write(&stream, format!("line {i}\n").as_bytes()).is_err() {
            return;
        }
        monotonic_clock::subscribe_duration(100_000_000).block();
    }
    end(body, stream);
}

fn zeroes(out: ResponseOutparam, mut n: u64) {
    let (body, stream) = begin(out, 200, Fields::new());
    while n > 0 {
        stream.subscribe().block();
        let Ok(room) = stream.check_write() else { return };
        let part = room.min(n);
        if stream.write_zeroes(part).is_err() {
            return;
        }
        n -= part;
    }
    end(body, stream);
}

fn file(out: ResponseOutparam, name: &str) {
    let Ok(mut f) = std::fs::File::open(format!("/{name}")) else {
        return text(out, 404, "no such file");
    };
    let (body, stream) = begin(out, 200, Fields::new());
    let mut b = vec![0; 1 << 16];
    while let Ok(n) = f.read(&mut b) {
        if n == 0 {
            break;
        }
        write(&stream, &b[..n]).unwrap();
    }
    end(body, stream);
}
