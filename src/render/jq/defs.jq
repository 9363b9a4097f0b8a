# What jq has beyond the interpreter's own definitions, and what those do otherwise.

# Conversion
def toboolean: if isboolean then . elif . == "true" then true elif . == "false" then false
  else error("\(tojson) cannot be parsed as a boolean") end;
def toarray: if isarray then . else [.] end;
def ascii: [.] | implode;
def have_literal_numbers: true;
def have_decnum: false;
def @json: tojson;
def @base32:  tostring | encode_base32;
def @base32d: tostring | decode_base32;
def _row(name; f): if isarray then map(f) else error("\(tojson) cannot be written as \(name): only an array can") end;
def _cell(name; f): if . == null then "" elif isstring then f elif isarray or isobject
  then error("\(tojson) is not valid in a row of \(name)") else tojson end;
def @csv: _row("csv"; _cell("csv"; "\"" + (. / "\"" | join("\"\"")) + "\"")) | join(",");
def @tsv: _row("tsv"; _cell("tsv"; . / "\\" | join("\\\\") | . / "\t" | join("\\t")
  | . / "\n" | join("\\n") | . / "\r" | join("\\r"))) | join("\t");

# Strings
def join($s): reduce .[] as $x (null; (if . == null then "" else . + $s end)
  + ($x | if . == null then "" elif isarray or isobject then error("\(tojson) cannot be joined") else tostring end)) // "";
def ltrimstr($x): if isstring and ($x | isstring) then _ltrimstr($x) end;
def rtrimstr($x): if isstring and ($x | isstring) then _rtrimstr($x) end;
def trimstr($x): ltrimstr($x) | rtrimstr($x);
def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($i): indices($i)[0];
def rindex($i): indices($i)[-1:][0];

# Regular expressions
def test(re): matches(re; null) | any;
def scan(re; flags): matches(re; "g" + flags)[] | [.[].string] | if .[1:] == [] then .[0] else .[1:] end;
def scan(re): scan(re; null);
def match(re): matches(re; null)[] | .[0] + { captures: .[1:] };
def capture(re): matches(re; null)[] | capture_of_match;
def splits(re; flags): split(re; flags // "")[];
def splits(re): splits(re; null);

# Times
def _format($f): if ($f | isstring) and ($f | utf8bytelength) > 4096 then error("the format is too long") else . end;
def strftime($f): _format($f) | _strftime($f);
def strflocaltime($f): _format($f) | _strflocaltime($f);
def strptime($f): _format($f) | _strptime($f);
def date: todate;
def dateadd(unit; n): . + n;
def datesub(unit; n): . - n;

# Numbers
def _order($n): if ($n | fabs) > 1000000 then error("an order of \($n) is too large") else . end;
def jn($n; $x): _order($n) | _jn($n; $x);
def yn($n; $x): _order($n) | _yn($n; $x);

# Streams
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def JOIN($idx; f): [.[] | [., $idx[f]]];
def JOIN($idx; stream; f): stream | [., $idx[f]];
def JOIN($idx; stream; f; g): stream | [., $idx[f]] | g;
def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): { x: null, e: false } as $init
  | foreach f as $i ($init; if .e then $init end
    | if $i | length == 2 then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
      else setpath(["e"]; $i[0] | length == 1) end; if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream
  | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;
def isvalid(f): try (f | true) catch false;

# Paths
def leaf_paths: paths(scalars);
def pick(f): . as $top | reduce path(f) as $p (null; setpath($p; $top | getpath($p)));
def _delete($p): if $p == [] then null elif getpath($p[:-1]) == null then . else getpath($p) |= empty end;
def delpaths($ps): reduce ($ps | sort | reverse | .[]) as $p (.; _delete($p));
def del(f): delpaths([path(f)]);
def to_entries: [keys_unsorted[] as $k | { key: $k, value: .[$k] }];
def from_entries: reduce .[] as $x ({};
  . + { ($x | if .key == null then .k // .name // .Name // .K // .Key else .key end
          | if isstring then . else tojson end):
        ($x | if has("value") then .value elif has("v") then .v else .Value end) });
def with_entries(f): to_entries | map(f) | from_entries;
def transpose: [range([.[] | length] | max // 0) as $i | [.[][$i]]];
