use hookproof::contract::Library;
use hookproof::oracle::{Ended, Facts, interpret};
use std::collections::BTreeMap;
#[test]
fn rows() {
    let library = Library::built_in().unwrap();
    let mut cache = BTreeMap::new();
    let mut bad = 0;
    let mut n = 0;
    let mut names = vec!["claude-code-2.1.329.jsonl", "claude-code-2.1.197.jsonl"];
    if std::env::var("EDGE").is_ok() {
        names = vec!["edge-claude-code.jsonl"];
    }
    for name in names {
        let text =
            std::fs::read_to_string(format!("{}/../fixtures/behaviour/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for line in text.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let key = format!("{}@{}", row["platform"].as_str().unwrap(), row["version"].as_str().unwrap());
            let contract = cache.entry(key.clone()).or_insert_with(|| library.select(&key).unwrap());
            let event = &contract.events[row["event"].as_str().unwrap()];
            let h = &row["hook"];
            let ended = if h["timed_out"] == true {
                Ended::TimedOut
            } else if let Some(s) = h["signal"].as_i64() {
                Ended::Signal(s as i32)
            } else {
                Ended::Exit(h["exit"].as_i64().unwrap_or(0) as i32)
            };
            let out = h["stdout"].as_str().unwrap_or("").as_bytes().to_vec();
            let err = h["stderr"].as_str().unwrap_or("").as_bytes().to_vec();
            let mut f = Facts::new(ended, &out, &err);
            f.tool = row["tool"].as_str();
            if let Some(o) = row["handler"].as_object() {
                for (k, v) in o {
                    f.handler.insert(k.clone(), v.as_str().unwrap_or("").into());
                }
            }
            let e = interpret(contract, event, &f);
            n += 1;
            let mut why = vec![];
            if let Some(a) = row["observed"]["action"].as_str() {
                if a != e.action.to_string() {
                    why.push(format!("action {a} != {}", e.action));
                }
            }
            if let Some(t) = row["observed"]["turn_ended"].as_bool() {
                if t != e.turn_ended {
                    why.push(format!("turn_ended {t} != {}", e.turn_ended));
                }
            }
            for t in row["texts"].as_array().unwrap() {
                let t = t.as_str().unwrap();
                let seen = e.model_sees.iter().any(|m| m.contains(t));
                let want = row["observed"]["model_saw"].as_array().unwrap().iter().any(|m| m == t);
                if seen != want {
                    why.push(format!(
                        "model {} {:?}",
                        if want { "should see" } else { "should not see" },
                        &t.chars().take(40).collect::<String>()
                    ));
                }
            }
            if !why.is_empty() {
                bad += 1;
                println!(
                    "{} {:?}\n   out={:?} err={:?}",
                    row["id"].as_str().unwrap(),
                    why,
                    String::from_utf8_lossy(&out).chars().take(150).collect::<String>(),
                    String::from_utf8_lossy(&err).chars().take(60).collect::<String>()
                );
            }
        }
    }
    println!("{n} rows, {bad} disagree");
    assert_eq!(bad, 0);
}
