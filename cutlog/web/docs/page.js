// Draws /api/openapi.json: a list of operations, each with its types, a curl line and a form that sends it.
"use strict";

const VERBS = ["get", "post", "put", "patch", "delete"];
const MAX_SHOWN = 200000;
let spec = null;
let session = null;

// Text only ever becomes a text node, so nothing in the document or in an answer can become markup.
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// Descriptions are Markdown, of which code spans and paragraphs are used.
const prose = (text) => text.split(/`([^`]+)`/).map((part, index) => (index % 2 ? make("code", {}, part) : part));
const paragraphs = (text) => text.split(/\n{2,}/).map((part) => make("p", {}, ...prose(part)));

function resolve(schema) {
  const name = schema && schema.$ref ? schema.$ref.split("/").pop() : null;
  return name ? { name, schema: spec.components.schemas[name] || {} } : { name: null, schema: schema || {} };
}

function typeName(schema) {
  const { name, schema: it } = resolve(schema);
  if (name) return name;
  if (it.const !== undefined) return JSON.stringify(it.const);
  if (it.enum) return it.enum.map((value) => JSON.stringify(value)).join(" | ");
  const several = it.anyOf || it.oneOf;
  if (several) return several.map(typeName).join(" | ");
  if (it.type === "array") {
    return it.prefixItems ? `[${it.prefixItems.map(typeName).join(", ")}]` : listName(typeName(it.items || {}));
  }
  if (it.type === "object" && it.additionalProperties && it.additionalProperties !== true) {
    return `{ [key]: ${typeName(it.additionalProperties)} }`;
  }
  return [].concat(it.type || "any").join(" | ") + (it.format ? ` (${it.format})` : "");
}

const listName = (name) => (name.includes(" ") ? `(${name})[]` : `${name}[]`);

function limits(schema) {
  const words = [];
  const say = (name, text) => schema[name] !== undefined && words.push(`${text} ${JSON.stringify(schema[name])}`);
  say("minimum", "≥"); say("exclusiveMinimum", ">"); say("maximum", "≤"); say("exclusiveMaximum", "<");
  say("minLength", "length ≥"); say("maxLength", "length ≤"); say("minItems", "items ≥"); say("maxItems", "items ≤");
  say("multipleOf", "multiple of"); say("default", "default");
  if (schema.pattern) words.push(`matches ${schema.pattern}`);
  return words.join(" · ");
}

// Whether there is something to unfold below a type.
function partsOf(schema) {
  const { name, schema: it } = resolve(schema);
  if (it.properties) return [{ name, schema: it }];
  if (it.items) return partsOf(it.items);
  if (it.prefixItems) return it.prefixItems.flatMap(partsOf);
  if (it.additionalProperties && it.additionalProperties !== true) return partsOf(it.additionalProperties);
  return (it.anyOf || it.oneOf || []).flatMap(partsOf);
}

function drawSchema(schema, open = false, seen = []) {
  const parts = partsOf(schema).filter((part) => !part.name || !seen.includes(part.name));
  const title = make("span", { class: "type" }, typeName(schema));
  if (!parts.length) return title;
  const body = make("div");
  const details = make("details", { class: "schema", open }, make("summary", {}, title), body);
  const fill = () => {
    if (body.childNodes.length) return;
    for (const part of parts) {
      if (parts.length > 1 && part.name) body.append(make("h3", {}, part.name));
      if (part.schema.description) body.append(...paragraphs(part.schema.description));
      body.append(drawProperties(part.schema, [...seen, part.name]));
    }
  };
  // Filled when it is opened: types may contain themselves.
  details.addEventListener("toggle", fill);
  if (open) fill();
  return details;
}

function drawProperties(schema, seen) {
  const required = schema.required || [];
  return make("table", {}, ...Object.entries(schema.properties).map(([name, property]) => {
    const { schema: it } = resolve(property);
    const note = [property.description || (property.$ref ? "" : it.description), limits(property)].filter(Boolean).join(" — ");
    return make("tr", {},
      make("th", { scope: "row" }, make("code", {}, name), required.includes(name) ? make("i", { title: "required" }, " *") : null),
      make("td", {}, drawSchema(property, false, seen), note ? make("div", {}, make("small", {}, ...prose(note))) : null));
  }));
}

const TEXTS = ["text", "0".repeat(64)];

function example(schema, depth = 0) {
  const { schema: it } = resolve(schema);
  if (it.examples) return it.examples[0];
  if (it.default !== undefined && it.default !== null) return it.default;
  if (it.const !== undefined) return it.const;
  if (it.enum) return it.enum[0];
  if (it.anyOf || it.oneOf) return example((it.anyOf || it.oneOf)[0], depth);
  switch ([].concat(it.type)[0]) {
    case "object": {
      const value = {};
      for (const name of it.required || []) if (depth < 6) value[name] = example(it.properties[name], depth + 1);
      return value;
    }
    case "array":
      if (it.prefixItems) return it.prefixItems.map((item) => example(item, depth + 1));
      return it.minItems && depth < 6 ? [example(it.items || {}, depth + 1)] : [];
    case "integer": case "number": return it.minimum ?? 0;
    case "boolean": return false;
    case "null": return null;
    default: return TEXTS.find((text) => new RegExp(it.pattern || "").test(text)) ?? "";
  }
}

function drawPath(path) {
  const parts = path.split(/(\{\w+\})/).map((part) => (part.startsWith("{") ? make("b", {}, part) : part));
  return make("span", { class: "path" }, ...parts);
}

function bodyOf(operation) {
  const content = operation.requestBody ? operation.requestBody.content : {};
  const [kind] = Object.keys(content);
  return kind ? { kind, schema: content[kind].schema } : null;
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlLine(operation, verb, url, body) {
  const parts = ["curl"];
  if (verb !== "get") parts.push("-X", verb.toUpperCase());
  if (operation.security && operation.security.length) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (body && body.kind === "multipart/form-data") {
    for (const [name, value] of body.form) parts.push("-F", quote(value instanceof File ? `${name}=@${value.name || "clip.mp4"}` : `${name}=${value}`));
  }
  else if (body) parts.push("-H", quote(`Content-Type: ${body.kind}`), "-d", quote(body.text));
  parts.push(quote(location.origin + url));
  return parts.join(" ");
}

function drawTry(path, verb, operation) {
  const parameters = (operation.parameters || []).filter((one) => one.in !== "cookie");
  const body = bodyOf(operation);
  const fields = new Map();
  const form = make("form", { class: "try" });
  form.append(make("h3", {}, "Try it"));
  for (const parameter of parameters) {
    const field = make("input", { name: parameter.name, required: parameter.required, autocomplete: "off",
      placeholder: parameter.schema && parameter.schema.default !== undefined ? String(parameter.schema.default ?? "") : "" });
    fields.set(parameter, field);
    form.append(make("label", {}, make("code", {}, parameter.name), field));
  }
  const parts = new Map();
  let text = null;
  if (body && body.kind === "multipart/form-data") {
    const required = body.schema.required || [];
    for (const [name, part] of Object.entries(body.schema.properties)) {
      const type = part.format === "binary" ? "file" : "text";
      parts.set(name, make("input", { name, type, required: required.includes(name), autocomplete: "off" }));
      form.append(make("label", {}, make("code", {}, name), parts.get(name)));
    }
  } else if (body) {
    text = make("textarea", { spellcheck: "false", "aria-label": "Body" });
    text.value = body.kind === "application/json" ? JSON.stringify(example(body.schema), null, 2) : "";
    text.rows = Math.min(24, text.value.split("\n").length + 1);
    form.append(text);
  }
  const curl = make("pre");
  const answer = make("div", { class: "answer", "aria-live": "polite" });
  const send = make("button", { class: "main" }, "Send");
  const copy = make("button", { type: "button", onclick: () => navigator.clipboard.writeText(curl.textContent) }, "Copy curl");
  form.append(curl, make("div", { class: "row" }, send, copy), answer);

  // What the form has so far; a file that was not chosen yet has no name.
  const filledIn = () => [...parts].map(([name, field]) => [name, field.type === "file" ? field.files[0] || new File([], "") : field.value])
    .filter(([, value]) => value);
  const url = () => {
    let filled = path;
    const query = new URLSearchParams();
    for (const [parameter, field] of fields) {
      if (parameter.in === "path") filled = filled.replace(`{${parameter.name}}`, field.value ? encodeURIComponent(field.value) : `{${parameter.name}}`);
      else if (parameter.in === "query" && field.value) query.append(parameter.name, field.value);
    }
    return filled + (query.size ? `?${query}` : "");
  };
  const refresh = () => {
    curl.textContent = curlLine(operation, verb, url(), body && { kind: body.kind, text: text ? text.value : "", form: filledIn() });
  };
  form.addEventListener("input", refresh);
  refresh();

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    const headers = {};
    const token = document.getElementById("token").value.trim();
    if (token && operation.security.length) headers.Authorization = `Bearer ${token}`;
    else if (session && verb !== "get") headers["X-CSRF-Token"] = session.csrf;
    for (const [parameter, field] of fields) if (parameter.in === "header" && field.value) headers[parameter.name] = field.value;
    let payload;
    if (parts.size) {
      payload = new FormData();
      for (const [name, value] of filledIn()) payload.append(name, value);
    } else if (text && text.value.trim()) {
      headers["Content-Type"] = body.kind;
      payload = text.value;
    }
    try {
      await show(answer, await fetch(url(), { method: verb.toUpperCase(), headers, body: payload }));
    } catch (error) {
      answer.replaceChildren(make("p", { class: "s5" }, `No answer: ${error.message}`));
    } finally {
      send.disabled = false;
    }
  });
  return form;
}

async function show(answer, response) {
  const status = make("span", { class: `status s${String(response.status)[0]}` }, `${response.status} ${response.statusText}`);
  const kind = response.headers.get("Content-Type") || "";
  const place = make("pre");
  answer.replaceChildren(make("div", { class: "row" }, status, make("small", {}, kind)), place);
  if (kind.startsWith("text/event-stream")) {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const stop = make("button", { type: "button", onclick: () => reader.cancel() }, "Stop");
    answer.firstChild.append(stop);
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      place.textContent = (place.textContent + value).slice(-MAX_SHOWN);
      place.scrollTop = place.scrollHeight;
    }
    stop.remove();
  } else if (/json|^text\//.test(kind)) {
    const text = await response.text();
    try {
      place.textContent = JSON.stringify(JSON.parse(text), null, 2).slice(0, MAX_SHOWN);
    } catch {
      place.textContent = text.slice(0, MAX_SHOWN);
    }
  } else {
    place.textContent = `${(await response.blob()).size} bytes`;
  }
}

function drawParameter(parameter) {
  const star = parameter.required ? make("i", { title: "required" }, " *") : null;
  const note = [parameter.description, limits(parameter.schema)].filter(Boolean).join(" — ");
  return make("tr", {},
    make("th", { scope: "row" }, make("code", {}, parameter.name), star),
    make("td", {}, make("small", {}, parameter.in), " ", make("span", { class: "type" }, typeName(parameter.schema)),
      make("div", {}, make("small", {}, ...prose(note)))));
}

function drawInside(path, verb, operation) {
  const inside = make("div", { class: "inside" });
  if (operation.description) inside.append(...paragraphs(operation.description));
  const parameters = operation.parameters || [];
  if (parameters.length) {
    const table = make("table", {}, ...parameters.map(drawParameter));
    inside.append(make("section", {}, make("h3", {}, "Parameters"), table));
  }
  const body = bodyOf(operation);
  if (body) {
    inside.append(make("section", {}, make("h3", {}, `Body · ${body.kind}`), body.schema ? drawSchema(body.schema, true) : "bytes"));
  }
  const rows = Object.entries(operation.responses).map(([status, response]) => {
    const [kind, content] = Object.entries(response.content || {})[0] || [];
    const problem = kind === "application/problem+json";
    return make("tr", {}, make("th", { scope: "row" }, make("span", { class: `status s${status[0]}` }, status)),
      make("td", {}, response.description, " ",
        content && content.schema && !problem ? drawSchema(content.schema) : make("small", {}, kind || "")));
  });
  inside.append(make("section", {}, make("h3", {}, "Answers"), make("table", {}, ...rows)));
  inside.append(drawTry(path, verb, operation));
  return inside;
}

function draw() {
  const main = document.getElementById("operations");
  const contents = document.getElementById("contents");
  document.getElementById("summary").textContent = spec.info.summary || "";
  const byTag = new Map((spec.tags || []).map((tag) => [tag.name, []]));
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const verb of VERBS) {
      if (!item[verb]) continue;
      const tag = (item[verb].tags || ["Other"])[0];
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push([path, verb, item[verb]]);
    }
  }
  main.replaceChildren(make("section", { class: "intro" }, ...paragraphs(spec.info.description || "")));
  contents.replaceChildren();
  for (const [tag, operations] of byTag) {
    if (!operations.length) continue;
    const section = make("section", {}, make("h2", {}, tag));
    const list = make("ul");
    contents.append(make("div", {}, make("h2", {}, tag), list));
    for (const [path, verb, operation] of operations) {
      const id = operation.operationId;
      const details = make("details", {}, make("summary", {},
        make("span", { class: `verb ${verb}` }, verb), drawPath(path), make("span", { class: "summary" }, operation.summary || ""),
        make("span", { class: "role" }, operation["x-role"])));
      details.addEventListener("toggle", () => {
        if (details.open && details.childNodes.length === 1) details.append(drawInside(path, verb, operation));
      });
      const words = `${verb} ${path} ${operation.summary} ${id} ${tag}`.toLowerCase();
      section.append(make("article", { id, "data-words": words }, details));
      list.append(make("li", { "data-words": words }, make("a", { href: `#${id}`, title: path },
        make("span", { class: `verb ${verb}` }, verb), operation.summary || path)));
    }
    main.append(section);
  }
  openTarget();
}

function openTarget() {
  const article = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = article && article.querySelector("details");
  if (details) {
    details.open = true;
    article.scrollIntoView();
  }
}

function search(words) {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  for (const element of document.querySelectorAll("[data-words]")) {
    element.hidden = !wanted.every((word) => element.dataset.words.includes(word));
  }
  for (const group of document.querySelectorAll("main > section:not(.intro), #contents > div")) {
    group.hidden = !group.querySelector("[data-words]:not([hidden])");
  }
}

// The token stays in this tab: session storage, sent to this origin only.
function useToken(token) {
  const who = document.getElementById("who");
  sessionStorage.setItem("token", token);
  try {
    const base64 = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const claims = JSON.parse(atob(base64));
    const expired = claims.exp * 1000 < Date.now();
    who.textContent = `${claims.sub} · ${claims.role}${expired ? " · expired" : ""}`;
  } catch {
    who.textContent = token ? "not a token" : session ? `${session.subject} · ${session.role} · logged in` : "";
  }
}

// A login link begins a session, of which the browser keeps the cookie; a token in the field counts before it.
async function useSession() {
  try {
    const response = await fetch("/api/session");
    if (response.ok) session = await response.json();
    useToken(document.getElementById("token").value.trim());
  } catch { /* Without a session the page asks for a token. */ }
}

async function drawHealth() {
  try {
    const health = await (await fetch("/api/health")).json();
    document.getElementById("health").replaceChildren(...Object.values(health.services).map((one) =>
      make("li", { class: one.status, title: Object.entries(one.checks).map(([name, is]) => `${name}: ${is}`).join("\n") },
        `${one.service} ${one.status}`)));
  } catch { /* The page is about the API; health is an extra. */ }
}

async function start() {
  const token = document.getElementById("token");
  token.value = sessionStorage.getItem("token") || "";
  token.addEventListener("input", () => useToken(token.value.trim()));
  useToken(token.value);
  document.getElementById("login").addEventListener("submit", (event) => event.preventDefault());
  const field = document.getElementById("search");
  field.addEventListener("input", () => search(field.value));
  addEventListener("hashchange", openTarget);
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|TEXTAREA/.test(event.target.tagName)) {
      event.preventDefault();
      field.focus();
    }
  });
  drawHealth();
  useSession();
  try {
    const response = await fetch("/api/openapi.json");
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    spec = await response.json();
    draw();
  } catch (error) {
    document.getElementById("state").textContent = `The description of the API did not load: ${error.message}`;
  }
}

start();
