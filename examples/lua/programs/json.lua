-- Characters, tables and string building: encoding and decoding JSON.
local n = tonumber(arg and arg[1]) or 100

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t" }

local function encode(value, out)
  local kind = type(value)
  if kind == "table" then
    if value[1] ~= nil or next(value) == nil then
      out[#out + 1] = "["
      for i, item in ipairs(value) do
        if i > 1 then out[#out + 1] = "," end
        encode(item, out)
      end
      out[#out + 1] = "]"
    else
      local keys = {}
      for key in pairs(value) do keys[#keys + 1] = key end
      table.sort(keys)
      out[#out + 1] = "{"
      for i, key in ipairs(keys) do
        if i > 1 then out[#out + 1] = "," end
        encode(key, out)
        out[#out + 1] = ":"
        encode(value[key], out)
      end
      out[#out + 1] = "}"
    end
  elseif kind == "string" then
    out[#out + 1] = '"' .. value:gsub('["\\\n\t]', escapes) .. '"'
  else
    out[#out + 1] = tostring(value)
  end
end

local function stringify(value)
  local out = {}
  encode(value, out)
  return table.concat(out)
end

local decode

local function skip(text, at)
  return text:find("[^ \n\t]", at) or #text + 1
end

local unescapes = { n = "\n", t = "\t", ['"'] = '"', ["\\"] = "\\" }

local function decode_string(text, at)
  local parts = {}
  while true do
    local stop = text:find('["\\]', at)
    parts[#parts + 1] = text:sub(at, stop - 1)
    if text:byte(stop) == 34 then return table.concat(parts), stop + 1 end
    parts[#parts + 1] = unescapes[text:sub(stop + 1, stop + 1)]
    at = stop + 2
  end
end

function decode(text, at)
  at = skip(text, at)
  local first = text:sub(at, at)
  if first == "{" then
    local object = {}
    at = skip(text, at + 1)
    while text:sub(at, at) ~= "}" do
      local key, value
      key, at = decode_string(text, skip(text, at) + 1)
      value, at = decode(text, skip(text, at) + 1)
      object[key] = value
      at = skip(text, at)
      if text:sub(at, at) == "," then at = at + 1 end
    end
    return object, at + 1
  elseif first == "[" then
    local list = {}
    at = skip(text, at + 1)
    while text:sub(at, at) ~= "]" do
      list[#list + 1], at = decode(text, at)
      at = skip(text, at)
      if text:sub(at, at) == "," then at = at + 1 end
    end
    return list, at + 1
  elseif first == '"' then
    return decode_string(text, at + 1)
  elseif text:sub(at, at + 3) == "true" then
    return true, at + 4
  elseif text:sub(at, at + 4) == "false" then
    return false, at + 5
  end
  local stop = text:find("[^%d.eE+-]", at) or #text + 1
  return tonumber(text:sub(at, stop - 1)), stop
end

local document = {}
for i = 1, 60 do
  document[i] = {
    id = i, name = "item " .. i, tags = { "a", "b\n", 'c"d' .. i }, price = i + 0.25,
    nested = { deep = { deeper = { i, i + 1, i + 2 } }, flag = i % 2 == 0 },
  }
end

local text = stringify(document)
local checksum = 0
for _ = 1, n do
  local copy = decode(text, 1)
  local again = stringify(copy)
  assert(again == text)
  checksum = (checksum + #again) % 1000003
end
print(#text, checksum)
