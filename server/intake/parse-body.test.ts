import { describe, expect, it } from "vitest";
import { parseBody, parseStored } from "./parse-body.ts";

const code = (type: string, text: string) => {
  try {
    return parseBody(type, text);
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("JSON", () => {
  it("is a record, a list of records as many, anything else a record with a value", () => {
    expect(parseBody("application/json", '{"a":{"b":[1]}}')).toEqual([{ a: { b: [1] } }]);
    expect(parseBody("application/json; charset=utf-8", '[{"a":1},{"a":2}]')).toEqual([{ a: 1 }, { a: 2 }]);
    expect(parseBody("application/cloudevents+json", "[1,2]")).toEqual([{ value: [1, 2] }]);
    expect(parseBody("", ' {"a":1}')).toEqual([{ a: 1 }]);
    expect(parseBody("application/json", "[]")).toEqual([{ value: [] }]);
  });

  it("keeps every digit of a number", () => {
    const [record] = parseBody("application/json", '{"id":1234567890123456789,"total":12.50}');
    expect(record).toEqual({ id: "1234567890123456789", total: 12.5 });
  });

  it("that is none, or too deep, is refused", () => {
    expect(code("application/json", "{a:1}")).toBe("not-json");
    expect(code("application/json", "")).toBe("not-json");
    expect(code("application/json", "[".repeat(100_000))).toBe("too-deep");
    expect(code("application/json", `{"a":"${"[".repeat(1_000)}"}`)).toEqual([{ a: "[".repeat(1_000) }]);
  });

  it("cannot reach the language's own names", () => {
    const [record] = parseBody("application/json", '{"__proto__":{"polluted":1},"b":1}');
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
    expect(Object.keys(record ?? {})).toEqual(["__proto__", "b"]);
  });
});

describe("forms and text", () => {
  it("are records", () => {
    expect(parseBody("application/x-www-form-urlencoded", "a=1&b=x+y%20z&c=1&c=2")).toEqual([
      { a: "1", b: "x y z", c: ["1", "2"] },
    ]);
    expect(parseBody("text/plain", "hello")).toEqual([{ text: "hello" }]);
    expect(code("image/png", "x")).toBe("content-type");
    expect(code("text/plain", "a\u0000b")).toBe("not-text");
    const form = "&__proto__=own&=noname&flag&half=%4&sum=1%2B1&name=Zo%C3%AB&";
    expect(Object.entries(parseBody("application/x-www-form-urlencoded", form)[0] ?? {})).toEqual([
      ["__proto__", "own"],
      ["", "noname"],
      ["flag", ""],
      ["half", "%4"],
      ["sum", "1+1"],
      ["name", "Zoë"],
    ]);
  });

  it("are in the charset they say; what would arrive garbled is refused", () => {
    const type = "application/x-www-form-urlencoded";
    expect(code(`${type}; charset=windows-1252`, "name=Zo%EB&price=%80+5")).toEqual([{ name: "Zoë", price: "€ 5" }]);
    expect(code(type, "name=Zo%EB")).toBe("not-form");
    expect(code(type, "Zo%EB=name")).toBe("not-form");
    expect(code(`${type}; charset=klingon`, "name=Zo%EB")).toBe("not-form");
    expect(parseStored(type, "name=Zo%EB")).toEqual([{ text: "name=Zo%EB" }]);
  });
});

describe("forms with files", () => {
  const type = "multipart/form-data; boundary=----form1";
  const part = (head: string, body: string) =>
    `------form1\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}\r\n`;
  const form = (...parts: string[]) => `${parts.join("")}------form1--\r\n`;

  it("are records; files are records with their name, type and text", () => {
    const body = form(
      part('name="id"', "7"),
      part('name="note"', "two\r\nlines -- and --dashes"),
      part('name="tag"', "a"),
      part('name="tag"', ""),
      part('name="a%22b"', "Zoë"),
      part('name="__proto__"', "own"),
      part('name="lines"; filename="lines.csv"\r\nContent-Type: text/csv', "sku,qty\r\nA,2"),
    );
    const [record] = parseBody(type, `preamble\r\n${body}epilogue`);
    expect(Object.entries(record ?? {})).toEqual([
      ["id", "7"],
      ["note", "two\r\nlines -- and --dashes"],
      ["tag", ["a", ""]],
      ['a"b', "Zoë"],
      ["__proto__", "own"],
      ["lines", { filename: "lines.csv", contentType: "text/csv", text: "sku,qty\r\nA,2" }],
    ]);
    expect(parseBody('multipart/form-data; charset=utf-8; boundary="a b"', "--a b--")).toEqual([{}]);
  });

  it("that are broken or cut off are refused", () => {
    expect(code("multipart/form-data", form(part('name="id"', "7")))).toBe("not-form");
    expect(code(type, "")).toBe("not-form");
    expect(code(type, part('name="id"', "7"))).toBe("not-form");
    expect(code(type, form(part('name="id"', "7")).slice(0, -6))).toBe("not-form");
    expect(code(type, form(part('filename="x"', "7")))).toBe("not-form");
    expect(code(type, form('------form1\r\nContent-Disposition: form-data; name="id"\r\n'))).toBe("not-form");
  });
});

describe("XML", () => {
  const xml = (text: string) => code("application/xml", text);

  it("is nested records: attributes, lists, text, namespaces, CDATA", () => {
    const text = `<?xml version="1.0"?><!-- order -->
      <s:order xmlns:s="urn:shop" id="17" note='a &lt; b'>
        <line sku="A"><qty>2</qty></line>
        <line sku="B"><qty>1</qty></line>
        <name>M&#252;ller &amp; <![CDATA[<Söhne>]]></name><empty/><mixed lang="de">Text</mixed>
      </s:order>`;
    expect(xml(text)).toEqual([
      {
        "s:order": {
          "@xmlns:s": "urn:shop",
          "@id": "17",
          "@note": "a < b",
          line: [
            { "@sku": "A", qty: "2" },
            { "@sku": "B", qty: "1" },
          ],
          name: "Müller & <Söhne>",
          empty: "",
          mixed: { "@lang": "de", "#text": "Text" },
        },
      },
    ]);
  });

  it("may name the file that declares it, which is never opened", () => {
    const cxml = '<!DOCTYPE cXML SYSTEM "http://xml.cxml.org/schemas/cXML/1.2.014/cXML.dtd">';
    expect(xml(`<?xml version="1.0"?>\n${cxml}\n<cXML payloadID="7"/>`)).toEqual([{ cXML: { "@payloadID": "7" } }]);
    const xhtml = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN"\n  'xhtml1-strict.dtd' >`;
    expect(xml(`${xhtml}<html>x</html>`)).toEqual([{ html: "x" }]);
    expect(xml("<!DOCTYPE a><a>x</a>")).toEqual([{ a: "x" }]);
    for (const late of [`${cxml}${cxml}<cXML/>`, `<cXML>${cxml}</cXML>`, `<cXML/>${cxml}`])
      expect(xml(late)).toBe("not-xml");
  });

  it("is harmless: no entities but XML's own, nothing is fetched, no depth exhausts us", () => {
    expect(xml('<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>')).toBe("not-xml");
    expect(xml('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>')).toBe("not-xml");
    expect(xml("<!DOCTYPE a []><a/>")).toBe("not-xml");
    expect(xml('<!DOCTYPE a SYSTEM "http://127.0.0.1/x"><a>&b;</a>')).toBe("not-xml");
    expect(xml("<!ELEMENT a ANY><a/>")).toBe("not-xml");
    expect(xml("<a>&c;</a>")).toBe("not-xml");
    expect(xml("<a>".repeat(50_000))).toBe("not-xml");
    expect(xml("<a><__proto__><polluted>1</polluted></__proto__></a>")).toEqual([
      { a: JSON.parse('{"__proto__":{"polluted":"1"}}') },
    ]);
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });

  it.each([
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a/><b/>",
    "<a b=1/>",
    "<a b='1' b='2'/>",
    "</a>",
    "<a>&</a>",
    "<a b='<'/>",
    "<a>x</a>y",
  ])("that is not well formed is refused: %s", (text) => expect(xml(text)).toBe("not-xml"));
});
