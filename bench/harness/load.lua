-- One message with one token after another. MESSAGE is a file: path and headers, an empty line, the body.
-- TOKENS is a file: a token on each line, and its session after a space where it has one.
local function lines(path)
  local list = {}
  for line in io.lines(path) do list[#list + 1] = line end
  return list
end

local headers, body = {}, nil
local file = io.open(os.getenv("MESSAGE"), "rb")
for line in file:lines() do
  if line == "" then break end
  local name, value = line:match("^(.-): (.*)$")
  headers[name] = value
end
body = file:read("*a")
file:close()

local tokens = lines(os.getenv("TOKENS"))
local requests, at = {}, 0

function init(args)
  for index, line in ipairs(tokens) do
    local token, session = line:match("^(%S+) ?(%S*)$")
    headers["Authorization"] = "Bearer " .. token
    headers["Mcp-Session-Id"] = session ~= "" and session or nil
    requests[index] = wrk.format("POST", "/mcp", headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\n", summary.requests, summary.duration, summary.bytes,
    errors.status + errors.connect + errors.read + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
