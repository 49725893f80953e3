// Answers with what a function of wasi:keyvalue, wasi:config or wasi:logging has returned, as Rust writes it down.
//   /count                       counts its requests in the bucket "" under "hits", and logs that
//   /draft/FUNCTION?A&B&C        a function of wasi:keyvalue 0.2.0-draft, whose first argument is the bucket
//   /draft2/FUNCTION?A&B&C       the same of 0.2.0-draft2
//   /race?N                      N increments by compare-and-swap, with as many tries as it takes
//   /pin?N                       handles of compare-and-swap of N values of 1 MiB
//   /config/KEY                  what the three versions of wasi:config have for the key
//   /config                      all that there is
//   /log?LEVEL&CONTEXT&MESSAGE   logs, by both versions of wasi:logging

mod bindings {
    wit_bindgen::generate!({ path: "wit/counter.wit", world: "counter", generate_all });
}

use bindings::wasi;
use std::fmt::Debug;
use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::*;

struct Counter;

wasip2::http::proxy::export!(Counter);

impl Guest for Counter {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let whole = request.path_with_query().unwrap_or_default();
        let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
        let args: Vec<&str> = query.split('&').collect();
        let answer = match path.trim_start_matches('/').split_once('/') {
            Some(("draft", function)) => draft(function, &args),
            Some(("draft2", function)) => draft2(function, &args),
            Some(("config", key)) => format!(
                "{:?} {:?} {:?}",
                wasi::config0_2_0_draft::runtime::get(key),
                wasi::config0_2_0_draft::store::get(key),
                wasi::config0_2_0_rc_1::store::get(key)
            ),
            _ => match path {
                "/count" => count(),
                "/race" => race(query.parse().unwrap()),
                "/pin" => pin(query.parse().unwrap()),
                "/config" => format!("{:?}", wasi::config0_2_0_rc_1::store::get_all()),
                "/log" => log(args[0], args[1], &args[2].replace("%0A", "\n")),
                _ => "no such thing".to_string(),
            },
        };
        text(out, &answer);
    }
}

fn text(out: ResponseOutparam, s: &str) {
    let response = OutgoingResponse::new(Fields::new());
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().unwrap();
    for part in s.as_bytes().chunks(4096) {
        stream.blocking_write_and_flush(part).unwrap();
    }
    drop(stream);
    OutgoingBody::finish(body, None).unwrap();
}

fn show<T: Debug, E: Debug>(r: Result<T, E>) -> String {
    format!("{r:?}")
}

// What is a value is written as text.
fn value<E: Debug>(r: Result<Option<Vec<u8>>, E>) -> String {
    show(r.map(|v| v.map(|v| String::from_utf8_lossy(&v).into_owned())))
}

fn pairs<E: Debug>(r: Result<Vec<Option<(String, Vec<u8>)>>, E>) -> String {
    show(r.map(|all| {
        all.into_iter()
            .map(|p| p.map(|(k, v)| (k, String::from_utf8_lossy(&v).into_owned())))
            .collect::<Vec<_>>()
    }))
}

fn strings(args: &[&str]) -> Vec<String> {
    args.iter().map(|s| s.to_string()).collect()
}

fn key_values(args: &[&str]) -> Vec<(String, Vec<u8>)> {
    args.chunks(2).map(|p| (p[0].to_string(), p[1].as_bytes().to_vec())).collect()
}

fn draft(function: &str, args: &[&str]) -> String {
    use wasi::keyvalue0_2_0_draft::{atomics, batch, store};
    let bucket = match store::open(args[0]) {
        Ok(b) => b,
        Err(e) => return format!("open: {e:?}"),
    };
    let args = &args[1..];
    match function {
        "get" => value(bucket.get(args[0])),
        "set" => show(bucket.set(args[0], args[1].as_bytes())),
        "delete" => show(bucket.delete(args[0])),
        "exists" => show(bucket.exists(args[0])),
        "list-keys" => {
            let mut cursor = None;
            let mut all = Vec::new();
            loop {
                match bucket.list_keys(cursor) {
                    Ok(r) => {
                        all.extend(r.keys);
                        cursor = r.cursor;
                    }
                    Err(e) => return format!("{e:?}"),
                }
                if cursor.is_none() {
                    all.sort();
                    return if all.len() > 20 { all.len().to_string() } else { format!("{all:?}") };
                }
            }
        }
        "increment" => show(atomics::increment(&bucket, args[0], args[1].parse().unwrap())),
        "get-many" => pairs(batch::get_many(&bucket, &strings(args))),
        "set-many" => show(batch::set_many(&bucket, &key_values(args))),
        "delete-many" => show(batch::delete_many(&bucket, &strings(args))),
        _ => "no such function".to_string(),
    }
}

fn draft2(function: &str, args: &[&str]) -> String {
    use wasi::keyvalue0_2_0_draft2::{atomics, batch, store};
    let bucket = match store::open(args[0]) {
        Ok(b) => b,
        Err(e) => return format!("open: {e:?}"),
    };
    let args = &args[1..];
    match function {
        "get" => value(bucket.get(args[0])),
        "set" => show(bucket.set(args[0], args[1].as_bytes())),
        "fill" => {
            let mut results: Vec<String> = (0..args[0].parse().unwrap())
                .map(|i: u32| show(bucket.set(&format!("key-{i}"), &vec![b'x'; args[1].parse().unwrap()])))
                .collect();
            results.dedup();
            results.join(" ")
        }
        "delete" => show(bucket.delete(args[0])),
        "exists" => show(bucket.exists(args[0])),
        "list-keys" => {
            let mut cursor: Option<String> = args.first().map(|s| s.to_string());
            let mut all = Vec::new();
            loop {
                match bucket.list_keys(cursor.as_deref()) {
                    Ok(r) => {
                        all.extend(r.keys);
                        cursor = r.cursor;
                    }
                    Err(e) => return format!("{e:?}"),
                }
                if cursor.is_none() {
                    all.sort();
                    return if all.len() > 20 { all.len().to_string() } else { format!("{all:?}") };
                }
            }
        }
        "increment" => show(atomics::increment(&bucket, args[0], args[1].parse().unwrap())),
        "get-many" => pairs(batch::get_many(&bucket, &strings(args))),
        "set-many" => show(batch::set_many(&bucket, &key_values(args))),
        "delete-many" => show(batch::delete_many(&bucket, &strings(args))),
        // What is set in between makes the first try fail, and the handle that comes of it has the new value.
        "swap" => {
            let cas = match atomics::Cas::new(&bucket, args[0]) {
                Ok(c) => c,
                Err(e) => return format!("{e:?}"),
            };
            let mut s = value(cas.current());
            if args.len() > 2 {
                s += &format!(" {:?}", bucket.set(args[0], args[2].as_bytes()));
            }
            match atomics::swap(cas, args[1].as_bytes()) {
                Ok(()) => s + " swapped",
                Err(atomics::CasError::StoreError(e)) => s + &format!(" {e:?}"),
                Err(atomics::CasError::CasFailed(again)) => {
                    s += &format!(" failed, {}", value(again.current()));
                    match atomics::swap(again, args[1].as_bytes()) {
                        Ok(()) => s + " swapped",
                        Err(_) => s + " failed again",
                    }
                }
            }
        }
        _ => "no such function".to_string(),
    }
}

fn count() -> String {
    use wasi::keyvalue0_2_0_draft2::{atomics, store};
    match store::open("").and_then(|bucket| atomics::increment(&bucket, "hits", 1)) {
        Ok(n) => {
            use wasi::logging0_1_0_draft::logging;
            logging::log(logging::Level::Info, "counter", &format!("request {n}"));
            n.to_string()
        }
        Err(e) => format!("{e:?}"),
    }
}

fn race(n: u32) -> String {
    use wasi::keyvalue0_2_0_draft2::{atomics, store};
    let bucket = store::open("race").unwrap();
    for _ in 0..n {
        let mut cas = atomics::Cas::new(&bucket, "swapped").unwrap();
        loop {
            let now = cas.current().unwrap().map_or(0, |v| String::from_utf8(v).unwrap().parse::<u32>().unwrap());
            match atomics::swap(cas, (now + 1).to_string().as_bytes()) {
                Ok(()) => break,
                Err(atomics::CasError::CasFailed(again)) => cas = again,
                Err(atomics::CasError::StoreError(e)) => return format!("{e:?}"),
            }
        }
    }
    "done".to_string()
}

fn pin(n: u32) -> String {
    use wasi::keyvalue0_2_0_draft2::{atomics, store};
    let bucket = store::open("pin").unwrap();
    let mut all = Vec::new();
    for i in 0..n {
        if let Err(e) = bucket.set("large", &vec![i as u8; 1 << 20]) {
            return format!("{i}: {e:?}");
        }
        match atomics::Cas::new(&bucket, "large") {
            Ok(c) => all.push(c),
            Err(e) => return format!("{i}: {e:?}"),
        }
    }
    "done".to_string()
}

fn log(level: &str, context: &str, message: &str) -> String {
    use wasi::logging as old;
    use wasi::logging0_1_0_draft::logging as new;
    let i = ["trace", "debug", "info", "warn", "error", "critical"].iter().position(|l| *l == level).unwrap();
    {
        use new::Level::*;
        new::log([Trace, Debug, Info, Warn, Error, Critical][i], context, message);
    }
    {
        use old::logging::Level::*;
        old::logging::log([Trace, Debug, Info, Warn, Error, Critical][i], context, message);
    }
    "logged".to_string()
}
