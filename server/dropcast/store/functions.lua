#!lua name=dropcast
-- The engine functions of dropcast: every change to a show is one call of one of them.
--
-- Each works in three phases: read all it needs, decide in Lua tables where every request of a batch sees the
-- effects of those before it, then write with few commands that cannot fail, append to the logs and publish. There
-- is no rollback, so nothing may raise after the first write: types of keys and tops of logs are checked before,
-- and a bad request is a code in the answer. Answers are MessagePack; [code, ...] with code "ok" when it was done.
--
-- KEYS of a show function, always all of them in this order:
--   meta drops units holds due buyers orders events journal viewers done live moderated
--
--   meta     hash    info (MessagePack, opaque here), status, starts_at, started_at, ended_at, epoch, seq, offset;
--                    frozen why sales are stopped, moderations how often moderated changed, run who last wrote here,
--                    hosted what hosts have added in the minute under way, <began_at_ms>:<commands>:<bytes>
--   drops    hash    t:<drop> terms as domain Terms, c:<drop> card (opaque), p:<drop> [fingerprint, seq, offset]
--   units    hash    f: h: s: a:<drop>:<sku> free, held, sold, allocated; o:<drop>:<sku> = 1 while announced sold out
--   holds    hash    <hold> -> [viewer, drop, sku, qty, state, expires_at, price, attempt, held_until]
--   due      zset    h:<hold> at its deadline, r:<drop>:<sku> at the time its restock is to be announced,
--                    o:<drop> and c:<drop> at the times it opens and closes
--   buyers   hash    <drop>:<viewer> units held and sold; :<viewer> holds ever made (no drop has an empty id)
--   orders   hash    <order> -> domain Order; never expires
--   events   stream  <seq>-0, field e: the event as published
--   journal  stream  <offset>-0, field m: domain JournalEntry
--   viewers  hash    <worker> -> <viewers>:<at_ms>
--   done     hash    <key> -> [fingerprint, seq, offset, at_ms] of update, unpin, announce
--   live     channel one domain Publication per call that changed anything
--   moderated hash   <viewer> -> 1 muted, 2 banned, 3 both
--
-- Servers of an older version call these functions too, while a change is rolled out: names, KEYS and ARGV of a
-- function stay, what is new comes last and may be missing. A record or publication grows at its end only.
--
-- Epochs. Within an epoch an event's number names one event, for ever. An engine that restarts or is replaced by its
-- replica may have lost events that viewers saw, and would give their numbers to others. So meta keeps the run of
-- whoever wrote last: the id of its process, and of its replication history, for a process that was demoted may come
-- back with somebody else's data. A function that finds itself in another run begins a new epoch before it appends,
-- and stops the sales of a show that has drops to sell. `adopt` is the exception: by it the starter of the embedded
-- engine, before anybody else can call, vouches that the run before lost nothing (see store/succession.py).
--
-- Drop ids hold no colon, SKUs and viewers may: that is why the drop comes first in a field.

local VERSION = 4
local CHUNK = 2000 -- arguments to one command: unpack() fails near 8,000
local DUE_MAX = 4000 -- due members that one call settles
local RESTOCK_QUIET_MS = 500
local WORKER_SILENT_MS = 5000
local VIEWERS_TTL_MS = 60000
local PAY_MS_MAX = 3600000
local HOLD_MS_MAX = 86400000
local KEEP_MS = 86400000 -- holds and their like, after the end of their show
local MINUTE_MS = 60000
local DONE_MAX = 2000
local DROPS_MAX = 1000
local SKUS_MAX = 2048
local MODERATED_MAX = 10000
local QTY_MAX = 2147483648
local UNITS_MAX = 1099511627776 -- allocated of one SKU
local INTEGER_MAX = 9007199254740991

local META, DROPS, UNITS, HOLDS, DUE, BUYERS = 1, 2, 3, 4, 5, 6
local ORDERS, EVENTS, JOURNAL, VIEWERS, DONE, LIVE, MODERATED = 7, 8, 9, 10, 11, 12, 13
-- What counts the members of a key and fails on one of another type: cheaper than TYPE.
local COUNTS = {
  'HLEN', 'HLEN', 'HLEN', 'HLEN', 'ZCARD', 'HLEN', 'HLEN', 'XLEN', 'XLEN', 'HLEN', 'HLEN', false, 'HLEN',
}

-- What is called for each trade of a batch has a local name. Libraries are not there yet while the functions are
-- loaded: the first call of one brings them.
local call, concat, format, pack, sub
local TEXT_OF = {} -- small integers as text

local function bring_libraries()
  call, concat, format, pack, sub = redis.call, table.concat, string.format, cmsgpack.pack, string.sub
  for value = 0, 255 do
    TEXT_OF[value] = format('%d', value)
  end
end

-- Packing -----------------------------------------------------------------------------------------------------

local function array_header(count)
  if count < 16 then
    return string.char(0x90 + count)
  elseif count < 65536 then
    return string.char(0xdc, math.floor(count / 256), count % 256)
  end
  return string.char(0xdd, 0, math.floor(count / 65536), math.floor(count / 256) % 256, count % 256)
end

-- An array of pieces that are packed already.
local function pack_array(pieces)
  return array_header(#pieces) .. concat(pieces)
end

-- A map of strings, its keys in order, so that the same map is always the same bytes.
local function pack_map(map)
  local keys = {}
  for key in pairs(map) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  local header
  if #keys < 16 then
    header = string.char(0x80 + #keys)
  else
    header = string.char(0xde, math.floor(#keys / 256), #keys % 256)
  end
  local pieces = {header}
  for _, key in ipairs(keys) do
    pieces[#pieces + 1] = pack(key, map[key])
  end
  return table.concat(pieces)
end

-- The table packed in `raw`, or nil when it is none.
local function unpack_table(raw)
  local fine, value = pcall(cmsgpack.unpack, raw)
  if fine and type(value) == 'table' then
    return value
  end
  return nil
end

local function is_integer(value, low, high)
  return type(value) == 'number' and value >= low and value <= high and value % 1 == 0
end

-- An integer as text: tostring() would round beyond 14 digits.
local function text_of(value)
  return TEXT_OF[value] or format('%d', value)
end

local function now_ms()
  local time = call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Many-argument commands ----------------------------------------------------------------------------------------

-- command(key, ...arguments), in chunks.
local function call_chunked(command, key, arguments)
  for first = 1, #arguments, CHUNK do
    call(command, key, unpack(arguments, first, math.min(first + CHUNK - 1, #arguments)))
  end
end

-- A hash that is read field by field and written in one go. Each field has a place in the lists here, by which it is
-- reached at much less cost than by its name. A value is a text, or false for no field.
local Hash = {}
Hash.__index = Hash

local function hash_at(key)
  return setmetatable({key = key, fields = {}, count = 0, places = {}, values = {}, read = 0, changed = false}, Hash)
end

-- Have `field`, of which the caller knows that it was not wanted before, read by the next fetch. Answers its place.
function Hash:append(field)
  local place = self.count + 1
  self.count = place
  self.fields[place] = field
  return place
end

-- Have `field` read by the next fetch. Answers its place.
function Hash:want(field)
  local place = self.places[field]
  if not place then
    place = self:append(field)
    self.places[field] = place
  end
  return place
end

function Hash:fetch()
  local fields, values, changed, count = self.fields, self.values, self.changed, self.count
  for first = self.read + 1, count, CHUNK do
    local last = math.min(first + CHUNK - 1, count)
    local found = call('HMGET', self.key, unpack(fields, first, last))
    if count == last and first == 1 and not changed then
      self.values = found
    else
      for place = first, last do
        if not (changed and changed[place]) then
          values[place] = found[place - first + 1]
        end
      end
    end
  end
  self.read = count
end

-- The value at `place`, or false. What was not wanted in time is read now: nothing is written yet.
function Hash:get_at(place)
  if place > self.read then
    self:fetch()
  end
  return self.values[place]
end

function Hash:number_at(place)
  if place > self.read then
    self:fetch()
  end
  local value = self.values[place]
  return value and tonumber(value) or 0
end

function Hash:put_at(place, value)
  local changed = self.changed
  if not changed then
    changed = {}
    self.changed = changed
  end
  changed[place] = true
  self.values[place] = value
end

function Hash:get(field)
  return self:get_at(self:want(field))
end

function Hash:number(field)
  return self:number_at(self:want(field))
end

function Hash:put(field, value)
  self:put_at(self:want(field), value)
end

-- A count of which zero is not worth a field.
function Hash:add(field, change)
  local place = self:want(field)
  local count = self:number_at(place) + change
  self:put_at(place, count > 0 and text_of(count))
end

function Hash:flush()
  local fields, values, changed = self.fields, self.values, self.changed
  if not changed then
    return
  end
  local to_set, to_remove, count = {}, {}, 0
  for place = 1, self.count do
    if changed[place] then
      if values[place] then
        to_set[count + 1] = fields[place]
        to_set[count + 2] = values[place]
        count = count + 2
      else
        to_remove[#to_remove + 1] = fields[place]
      end
    end
  end
  call_chunked('HSET', self.key, to_set)
  call_chunked('HDEL', self.key, to_remove)
end

-- A show, open for change -----------------------------------------------------------------------------------------

-- Servers of version 1 do not name the last key; it shares the slot of the others.
local function name_moderated(keys)
  keys[MODERATED] = keys[MODERATED] or string.gsub(keys[META], 'meta$', 'moderated')
end

-- The number of the first key that is of another type than it should be, or nil; and which keys exist.
local function check_types(keys)
  local exists = {}
  name_moderated(keys)
  for at, command in ipairs(COUNTS) do
    local count = command and redis.pcall(command, keys[at]) or 0
    if type(count) ~= 'number' then
      return at, exists
    end
    exists[at] = count > 0
  end
  return nil, exists
end

local own_process -- its id: dies with the process, and so does this library's memory
local own_history, own_run_known = false, false -- the history that was read last, and the run that it makes

-- The run of this engine: its process, and whose history it goes on with. The history is read anew in each call: a
-- primary that was demoted and promoted again may go on with what it had, library and memory included, while another
-- one has told events that never came here. Only its id says so.
local function own_run()
  local info = call('INFO', 'replication')
  local at = string.find(info, 'master_replid:', 1, true)
  local history = at and string.match(info, '^%w+', at + 14) or ''
  if history ~= own_history then
    own_process = own_process or string.match(call('INFO', 'server'), 'run_id:(%w+)') or ''
    own_history, own_run_known = history, own_process .. ':' .. history
  end
  return own_run_known
end

local META_FIELDS = {
  'info', 'status', 'starts_at', 'started_at', 'ended_at', 'epoch', 'seq', 'offset', 'frozen', 'moderations', 'run',
}

-- A show makes a hash when it is first touched, for most calls touch few.
local HASHES = {
  drops = DROPS, units = UNITS, holds = HOLDS, buyers = BUYERS, orders = ORDERS, done = DONE, moderated = MODERATED,
}
local Show = {}

function Show.__index(show, name)
  local at = HASHES[name]
  if not at then
    return nil
  end
  local hash = hash_at(show.keys[at])
  show[name] = hash
  show.hashes[#show.hashes + 1] = hash
  return hash
end

-- Read the show's meta. Answers the show, or nil and an answer for the caller, who checks types if it tells what
-- `exists`.
local function open_show(keys, exists)
  if not exists then
    local wrong
    wrong, exists = check_types(keys)
    if wrong then
      return nil, pack({'wrong_type', keys[wrong]})
    end
  end
  local meta = call('HMGET', keys[META], unpack(META_FIELDS))
  if not meta[1] then
    return nil, pack({'unknown_show'})
  end
  local run, epoch = own_run(), meta[6]
  -- A show of version 1 has no run, and is taken as it is.
  local is_lost = meta[11] and meta[11] ~= run
  if is_lost then
    -- Every reader and writer of this run arrives at the same one.
    epoch = string.sub(redis.sha1hex(epoch .. ':' .. run), 1, 16)
  end
  return setmetatable({
    keys = keys,
    exists = exists,
    hashes = {}, -- those that were touched
    now = now_ms(),
    run = run,
    run_before = meta[11],
    is_lost = is_lost,
    info = meta[1],
    status = meta[2],
    starts_at = tonumber(meta[3]),
    started_at = tonumber(meta[4]),
    ended_at = tonumber(meta[5]),
    epoch = epoch,
    seq = tonumber(meta[7]),
    offset = tonumber(meta[8]),
    frozen = meta[9] or '',
    moderations = tonumber(meta[10] or 0),
    meta = {}, -- fields and values to write
    terms = {}, -- by drop, decoded
    skus = {}, -- by drop, then by sku: counters
    touched = {}, -- of these, in order
    records = {}, -- by hold, decoded
    deadlines = {}, -- of holds by their place in `holds`, or false for none any more
    due_at = {}, -- other member of due -> time, or false to remove it
    due_order = {},
    events = {},
    movements = 0,
    movement_pieces = {}, -- of them, packed
    moderated_lines = {}, -- domain Moderated, packed
    command = false, -- {key, fingerprint} to be remembered
    limits = false, -- on what a host's command may add, see limits_in
    seq_after = 0,
    offset_after = 0,
    settles_only = false,
    holds_per_viewer_max = 0,
  }, Show)
end

local function put_meta(show, field, value)
  show.meta[#show.meta + 1] = field
  show.meta[#show.meta + 1] = value
end

-- The terms of `drop`, or nil.
local function terms_of(show, drop)
  local terms = show.terms[drop]
  if terms == nil then
    local raw = show.drops:get('t:' .. drop)
    terms = false
    if raw then
      local array = cmsgpack.unpack(raw)
      terms = {
        status = array[1],
        limit = array[2],
        hold_ms = array[3],
        opened_at = array[4],
        prices = array[5],
        opens_at = array[6] or 0,
        closes_at = array[7] or 0,
        reveal_at = array[8] or 0,
      }
    end
    show.terms[drop] = terms
  end
  return terms or nil
end

local function pack_terms(terms)
  return '\152'
    .. pack(terms.status, terms.limit, terms.hold_ms, terms.opened_at)
    .. pack_map(terms.prices)
    .. pack(terms.opens_at, terms.closes_at, terms.reveal_at)
end

local function put_terms(show, drop, terms)
  show.terms[drop] = terms
  show.drops:put('t:' .. drop, pack_terms(terms))
end

-- The SKUs of `terms`, in order.
local function skus_in(terms)
  local skus = {}
  for sku in pairs(terms.prices) do
    skus[#skus + 1] = sku
  end
  table.sort(skus)
  return skus
end

-- Have the counters of one SKU read by the next fetch.
local function want_sku(show, drop, sku)
  local of_drop = show.skus[drop]
  if not of_drop then
    of_drop = {}
    show.skus[drop] = of_drop
  end
  local found = of_drop[sku]
  if not found then
    local name, units = drop .. ':' .. sku, show.units
    local place = units:append('f:' .. name)
    units:append('h:' .. name) -- at the next place, and so on
    units:append('s:' .. name)
    units:append('a:' .. name)
    units:append('o:' .. name)
    -- With all its fields at once: a table that grows is made anew.
    found = {
      drop = drop,
      sku = sku,
      name = name,
      place = place,
      offers = {},
      free = false, -- until it is asked for
      held = 0,
      sold = 0,
      allocated = 0,
      announced = false,
      free_before = 0,
      touched = false,
    }
    of_drop[sku] = found
  end
  return found
end

-- The counters of one SKU, to be changed in place.
local function sku_of(show, drop, sku)
  local found = want_sku(show, drop, sku)
  if not found.free then
    local place, units = found.place, show.units
    units:fetch()
    found.free = units:number_at(place)
    found.held = units:number_at(place + 1)
    found.sold = units:number_at(place + 2)
    found.allocated = units:number_at(place + 3)
    found.announced = units:get_at(place + 4) and true or false
    found.free_before = found.free
  end
  return found
end

local function touch(show, units)
  if not units.touched then
    units.touched = true
    show.touched[#show.touched + 1] = units
  end
end

-- The record of `hold`, or nil.
local function record_of(show, hold)
  local record = show.records[hold]
  local raw = record == nil and show.holds:get(hold)
  if raw then
    local array = cmsgpack.unpack(raw)
    record = {
      id = hold,
      viewer = array[1],
      drop = array[2],
      sku = array[3],
      qty = array[4],
      state = array[5],
      expires_at = array[6],
      price = array[7],
      attempt = array[8],
      held_until = array[9],
    }
    show.records[hold] = record
  end
  return record
end

local function is_open(record)
  return record.state == 'held' or record.state == 'paying'
end

-- Have the hold at `place` written, and be due at `deadline`, or not at all when that is false.
local function put_hold(show, place, packed, deadline)
  show.holds:put_at(place, packed)
  show.deadlines[place] = deadline
end

local function put_record(show, record)
  local packed = pack(
    record.viewer,
    record.drop,
    record.sku,
    record.qty,
    record.state,
    record.expires_at,
    record.price,
    record.attempt,
    record.held_until
  )
  put_hold(show, show.holds:want(record.id), '\153' .. packed, is_open(record) and record.expires_at)
end

-- Have `member`, which is no hold, due at `at`, or not at all when `at` is false.
local function set_due(show, member, at)
  if show.due_at[member] == nil then
    show.due_order[#show.due_order + 1] = member
  end
  show.due_at[member] = at
end

-- Note a movement, packed in one or more pieces.
local function note_movement(show, one, two, three)
  local pieces = show.movement_pieces
  local count = #pieces
  pieces[count + 1] = one
  pieces[count + 2] = two
  pieces[count + 3] = three
  show.movements = show.movements + 1
end

local function move(show, kind, record)
  note_movement(
    show,
    '\152'
      .. pack(
        kind,
        record.drop,
        record.sku,
        record.qty,
        record.id,
        record.viewer,
        record.expires_at,
        record.price
      )
  )
end

-- Note an event: `rest` is its fields beyond seq, time and offset, `count` of them, packed.
local function note_event(show, tag, count, rest)
  show.events[#show.events + 1] = {tag = tag, count = count, rest = rest}
end

-- Units of a drop rise by `change`, or fall when it is negative: an allocation or a withdrawal.
local function allocate(show, drop, sku, change)
  local units = sku_of(show, drop, sku)
  touch(show, units)
  units.free = units.free + change
  units.allocated = units.allocated + change
  local kind = change > 0 and 'allocated' or 'withdrawn'
  note_movement(show, '\152' .. pack(kind, drop, sku, math.abs(change), '', '', 0, 0))
end

-- A hold ends without a sale: its units are free again.
local function give_back(show, record, state)
  local units = sku_of(show, record.drop, record.sku)
  touch(show, units)
  units.free = units.free + record.qty
  units.held = units.held - record.qty
  show.buyers:add(record.drop .. ':' .. record.viewer, -record.qty)
  record.state = state
  put_record(show, record)
  move(show, state, record)
end

-- Commit: the end of phase two, and phase three ----------------------------------------------------------------------

-- Events about running out and coming back are the net effect of a call, on open drops only.
local function note_stock_events(show)
  for _, units in ipairs(show.touched) do
    local terms = terms_of(show, units.drop)
    local member = 'r:' .. units.name
    if not terms or terms.status ~= 'open' then
      if units.restock_due then
        set_due(show, member, false)
      end
    elseif units.free == 0 then
      if not units.announced and units.free_before > 0 then
        units.announced = true
        note_event(show, 'sold_out', 2, pack(units.drop, units.sku))
      elseif units.announced and units.free_before > 0 or units.restock_due then
        set_due(show, member, false)
      end
    elseif units.announced and (units.restock_due or units.restock_now) then
      units.announced = false
      set_due(show, member, false)
      note_event(show, 'restocked', 3, pack(units.drop, units.sku, units.free))
    elseif units.announced and units.free_before == 0 then
      set_due(show, member, show.now + RESTOCK_QUIET_MS)
    elseif units.restock_due then
      set_due(show, member, false)
    end
  end
end

-- Whether a log already has an entry above `top`: appending would fail then.
local function is_ahead(show, at, top)
  return show.exists[at] and #call('XRANGE', show.keys[at], '(' .. text_of(top) .. '-0', '+', 'COUNT', 1) > 0
end

local function write_due(show)
  local key, holds, deadlines = show.keys[DUE], show.holds.fields, show.deadlines
  local to_score, to_remove, count = {}, {}, 0
  for _, member in ipairs(show.due_order) do
    local at = show.due_at[member]
    if at then
      to_score[count + 1] = text_of(at)
      to_score[count + 2] = member
      count = count + 2
    else
      to_remove[#to_remove + 1] = member
    end
  end
  for place = 1, #holds do
    local at = deadlines[place]
    if at then
      to_score[count + 1] = at
      to_score[count + 2] = 'h:' .. holds[place]
      count = count + 2
    elseif at == false then
      to_remove[#to_remove + 1] = 'h:' .. holds[place]
    end
  end
  -- In this order: a hold may be made under an id of which a member without a hold was due.
  call_chunked('ZREM', key, to_remove)
  call_chunked('ZADD', key, to_score)
end

-- Keep the memory of commands bounded: the older half is forgotten when it is full.
local function forget_commands(show)
  local key = show.keys[DONE]
  if call('HLEN', key) < DONE_MAX then
    return
  end
  local found = call('HGETALL', key)
  local ages = {}
  for at = 1, #found, 2 do
    ages[#ages + 1] = {key = found[at], at_ms = cmsgpack.unpack(found[at + 1])[4]}
  end
  table.sort(ages, function(one, other)
    return one.at_ms < other.at_ms
  end)
  local old = {}
  for at = 1, math.floor(#ages / 2) do
    old[at] = ages[at].key
  end
  call_chunked('HDEL', key, old)
end

local function pack_events(show)
  local packed = {}
  for at, event in ipairs(show.events) do
    packed[at] = array_header(4 + event.count)
      .. pack(event.tag, show.seq + at, show.now, show.offset_after)
      .. event.rest
  end
  return packed
end

local function put_changed(hash, place, value)
  if hash.values[place] ~= value then
    hash:put_at(place, value)
  end
end

-- Lines for the publication; also puts the counters into the units to be written.
local function put_units(show)
  local lines = {}
  for _, units in ipairs(show.touched) do
    put_changed(show.units, units.place, text_of(units.free))
    put_changed(show.units, units.place + 1, text_of(units.held))
    put_changed(show.units, units.place + 2, text_of(units.sold))
    put_changed(show.units, units.place + 3, text_of(units.allocated))
    put_changed(show.units, units.place + 4, units.announced and '1')
    if units.free ~= units.free_before then
      lines[#lines + 1] = pack({units.drop, units.sku, units.free})
    end
  end
  return lines
end

-- The limits on what hosts may add to a show's logs: the last arguments of a host's command, from `first` on. Servers of
-- an older version do not send them. 0 or nothing is no limit.
local function limits_in(args, first)
  return {
    commands = tonumber(args[first] or 0) or 0,
    bytes = tonumber(args[first + 1] or 0) or 0,
    event_bytes = tonumber(args[first + 2] or 0) or 0,
  }
end

-- Count a host's command by the show's limits: one command, with the bytes of its events and its journal entry. Answers
-- nil, or a refusal; what is refused counts nothing. A minute begins with its first command. That one is not refused
-- for its bytes, or it would be refused for ever.
local function count_hosted(show, events, entry)
  local limits, bytes = show.limits, #entry
  for _, event in ipairs(events) do
    if limits.event_bytes > 0 and #event > limits.event_bytes then
      return pack({'event_too_large', limits.event_bytes})
    end
    bytes = bytes + #event
  end
  if limits.commands == 0 and limits.bytes == 0 then
    return nil
  end
  local hosted = call('HGET', show.keys[META], 'hosted') or ''
  local began, commands, bytes_before = string.match(hosted, '^(%d+):(%d+):(%d+)$')
  began, commands, bytes_before = tonumber(began), tonumber(commands), tonumber(bytes_before)
  if not began or show.now < began or show.now >= began + MINUTE_MS then
    began, commands, bytes_before = show.now, 0, 0
  end
  local retry_s = math.ceil((began + MINUTE_MS - show.now) / 1000)
  if limits.commands > 0 and commands >= limits.commands then
    return pack({'rate_limited', 'commands', retry_s})
  elseif limits.bytes > 0 and commands > 0 and bytes_before + bytes > limits.bytes then
    return pack({'rate_limited', 'bytes', retry_s})
  end
  local count, total = text_of(commands + 1), text_of(bytes_before + bytes)
  put_meta(show, 'hosted', text_of(began) .. ':' .. count .. ':' .. total)
  return nil
end

-- Write everything. Answers nil, or what is wrong, in which case nothing was written.
local function commit(show)
  note_stock_events(show)
  if show.run_before ~= show.run then
    put_meta(show, 'run', show.run)
  end
  if show.is_lost then
    put_meta(show, 'epoch', show.epoch)
  end
  local keys, meta = show.keys, show.meta
  show.seq_after = show.seq + #show.events
  show.offset_after = show.offset + (show.movements > 0 and 1 or 0)
  if show.seq_after > show.seq and is_ahead(show, EVENTS, show.seq) then
    return pack({'torn', keys[EVENTS]})
  elseif show.offset_after > show.offset and is_ahead(show, JOURNAL, show.offset) then
    return pack({'torn', keys[JOURNAL]})
  end
  local events, lines = pack_events(show), put_units(show)
  local movements, entry = '\144', ''
  if show.offset_after > show.offset then
    movements = array_header(show.movements) .. concat(show.movement_pieces)
    entry = '\147' .. pack(show.offset_after, show.now) .. movements
  end
  local problem = show.limits and count_hosted(show, events, entry)
  if problem then
    return problem
  end
  if show.seq_after > show.seq then
    put_meta(show, 'seq', text_of(show.seq_after))
  end
  if show.offset_after > show.offset then
    put_meta(show, 'offset', text_of(show.offset_after))
  end
  if show.command then
    local record = {show.command.fingerprint, show.seq_after, show.offset_after, show.now}
    show.done:put(show.command.key, pack(record))
  end

  -- From here on: writes.
  if show.command then
    forget_commands(show)
  end
  call_chunked('HSET', keys[META], meta)
  for _, hash in ipairs(show.hashes) do
    hash:flush()
  end
  write_due(show)
  for at, event in ipairs(events) do
    call('XADD', keys[EVENTS], text_of(show.seq + at) .. '-0', 'e', event)
  end
  if show.offset_after > show.offset then
    call('XADD', keys[JOURNAL], text_of(show.offset_after) .. '-0', 'm', entry)
  end
  if #events > 0 or show.movements > 0 or #lines > 0 or #show.moderated_lines > 0 or show.is_lost then
    local publication = '\153'
      .. pack(show.epoch, show.seq_after, show.offset_after, show.now)
      .. pack_array(events)
      .. movements
      .. pack_array(lines)
      .. pack(show.moderations)
      .. pack_array(show.moderated_lines)
    -- Protected: all is written by now. Should the engine have taken the permission away, workers find what they miss by
    -- the next beat.
    redis.pcall('SPUBLISH', keys[LIVE], publication)
  end
  return nil
end

-- Answers of the show's commands -----------------------------------------------------------------------------------

local function done_answer(seq, offset, again)
  return pack({'ok', seq, offset, again})
end

-- Commit, and answer ["ok", seq, offset, false].
local function finish(show)
  return commit(show) or done_answer(show.seq_after, show.offset_after, false)
end

-- The answer to a command whose key was used before, or nil: then `finish` will remember it.
local function remembered(show, key, fingerprint)
  local raw = show.done:get(key)
  if not raw then
    show.command = {key = key, fingerprint = fingerprint}
    return nil
  end
  local record = cmsgpack.unpack(raw)
  if record[1] ~= fingerprint then
    return pack({'key_used'})
  end
  return done_answer(record[2], record[3], true)
end

local function pack_show(show)
  return '\151'
    .. show.info
    .. pack(show.status, show.starts_at, show.started_at, show.ended_at, show.epoch, show.frozen)
end

-- Free units by SKU, packed.
local function pack_stock(show, drop, terms)
  local stock = {}
  for sku in pairs(terms.prices) do
    stock[sku] = sku_of(show, drop, sku).free
  end
  return pack_map(stock)
end

-- Nobody may buy of the drop any more: what is free is taken out of it.
local function close_drop(show, drop, terms)
  for _, sku in ipairs(skus_in(terms)) do
    local units = sku_of(show, drop, sku)
    if units.free > 0 then
      allocate(show, drop, sku, -units.free)
    end
    set_due(show, 'r:' .. units.name, false)
  end
  if terms.status == 'scheduled' then
    set_due(show, 'o:' .. drop, false)
  end
  if terms.closes_at > 0 then
    set_due(show, 'c:' .. drop, false)
  end
  terms.status = 'closed'
  put_terms(show, drop, terms)
  note_event(show, 'drop_closed', 1, pack(drop))
end

-- scheduled -> open.
local function open_drop(show, drop, terms)
  for _, sku in ipairs(skus_in(terms)) do
    local units = sku_of(show, drop, sku)
    touch(show, units)
    -- What opens with nothing tells so by its stock.
    units.announced = units.free == 0
  end
  set_due(show, 'o:' .. drop, false)
  terms.status = 'open'
  terms.opened_at = show.now
  put_terms(show, drop, terms)
  local card = show.drops:get('c:' .. drop)
  note_event(show, 'drop_opened', 4, pack(drop) .. pack_terms(terms) .. pack_stock(show, drop, terms) .. card)
end

-- Open or close the drop if its time has come.
local function keep_hours(show, drop, terms)
  if terms.status == 'scheduled' and terms.opens_at <= show.now then
    open_drop(show, drop, terms)
  end
  if terms.status == 'open' and terms.closes_at > 0 and terms.closes_at <= show.now then
    close_drop(show, drop, terms)
  end
end

-- All drops in the order in which they were pinned.
local function drops_of(show)
  local drops = {}
  for _, field in ipairs(call('HKEYS', show.keys[DROPS])) do
    if string.sub(field, 1, 2) == 'p:' then
      local drop = string.sub(field, 3)
      drops[#drops + 1] = {id = drop, seq = 0}
      show.drops:want(field)
      show.drops:want('t:' .. drop)
    end
  end
  show.drops:fetch()
  for _, drop in ipairs(drops) do
    drop.seq = cmsgpack.unpack(show.drops:get('p:' .. drop.id))[2]
  end
  table.sort(drops, function(one, other)
    return one.seq < other.seq
  end)
  return drops
end

local function want_all_units(show, drop, terms)
  for sku in pairs(terms.prices) do
    want_sku(show, drop, sku)
  end
end

-- Have `reason` stop the sales.
local function freeze_sales(show, reason)
  show.frozen = reason
  put_meta(show, 'frozen', reason)
  note_event(show, 'sales_frozen', 1, pack(reason))
end

-- Open a show to write to it. What may have lost history goes on in a new epoch: then nobody may sell what may have
-- been sold before, until somebody has looked.
local function open_to_write(keys, exists)
  local show, problem = open_show(keys, exists)
  if show and show.is_lost and show.status == 'live' and show.frozen == '' then
    for _, drop in ipairs(drops_of(show)) do
      if terms_of(show, drop.id).status ~= 'closed' then
        freeze_sales(show, 'lost_history')
        break
      end
    end
  end
  return show, problem
end

-- Whether prices, limit and times are within bounds, so that an order's amount is an exact integer.
local function is_sound(terms)
  if not (is_integer(terms.limit, 1, QTY_MAX) and is_integer(terms.hold_ms, 1, HOLD_MS_MAX)) then
    return false
  end
  for _, at in ipairs({terms.opens_at, terms.closes_at, terms.reveal_at}) do
    if not is_integer(at, 0, INTEGER_MAX) then
      return false
    end
  end
  for _, price in pairs(terms.prices) do
    if not is_integer(price, 0, INTEGER_MAX) or price * terms.limit > INTEGER_MAX then
      return false
    end
  end
  return true
end

-- The show's commands ------------------------------------------------------------------------------------------------

-- dropcast_version
-- KEYS
-- ARGV
-- returns the library's version, an integer
local function version()
  return VERSION
end

-- dropcast_schedule: write a new show; the same again changes nothing.
-- KEYS of a show
-- ARGV info starts_at epoch
-- returns ["ok", [info, status, starts_at, started_at, ended_at, epoch, frozen]] | ["show_exists"]
local function schedule(keys, args)
  local wrong, exists = check_types(keys)
  if wrong then
    return pack({'wrong_type', keys[wrong]})
  end
  local info, starts_at, epoch = args[1], tonumber(args[2]), args[3]
  if not is_integer(starts_at, 0, INTEGER_MAX) then
    return pack({'bad_request', 'starts_at'})
  end
  if exists[META] then
    local show = open_show(keys)
    if not show or show.info ~= info or show.starts_at ~= starts_at then
      return pack({'show_exists'})
    end
    return '\146' .. pack('ok') .. pack_show(show)
  end
  call('HSET', keys[META], 'info', info, 'status', 'scheduled', 'starts_at', text_of(starts_at),
    'started_at', 0, 'ended_at', 0, 'epoch', epoch, 'seq', 0, 'offset', 0, 'run', own_run())
  local show = {
    info = info,
    status = 'scheduled',
    starts_at = starts_at,
    started_at = 0,
    ended_at = 0,
    epoch = epoch,
    frozen = '',
  }
  return '\146' .. pack('ok') .. pack_show(show)
end

-- dropcast_start: scheduled -> live.
-- KEYS of a show
-- ARGV
-- returns ["ok", seq, offset, again] | ["ended"]
local function start(keys)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  elseif show.status == 'live' then
    return done_answer(show.seq, show.offset, true)
  elseif show.status == 'ended' then
    return pack({'ended'})
  end
  put_meta(show, 'status', 'live')
  put_meta(show, 'started_at', text_of(show.now))
  note_event(show, 'show_started', 0, '')
  return finish(show)
end

-- dropcast_end: live or scheduled -> ended; drops that are not closed do. Holds may still be paid until their deadline.
-- KEYS of a show
-- ARGV
-- returns ["ok", seq, offset, again]
local function finish_show(keys)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  elseif show.status == 'ended' then
    return done_answer(show.seq, show.offset, true)
  end
  local open = {}
  for _, drop in ipairs(drops_of(show)) do
    local terms = terms_of(show, drop.id)
    if terms.status ~= 'closed' then
      open[#open + 1] = drop.id
      want_all_units(show, drop.id, terms)
    end
  end
  show.units:fetch()
  for _, drop in ipairs(open) do
    close_drop(show, drop, terms_of(show, drop))
  end
  put_meta(show, 'status', 'ended')
  put_meta(show, 'ended_at', text_of(show.now))
  note_event(show, 'show_ended', 0, '')
  local last = call('ZREVRANGE', keys[DUE], 0, 0, 'WITHSCORES')
  problem = commit(show)
  if problem then
    return problem
  end
  -- No hold may vanish while it is open: its deadline, and a payment begun just before it, come first.
  local keep_until = math.max(show.now + KEEP_MS, (tonumber(last[2]) or 0) + 2 * PAY_MS_MAX)
  for _, at in ipairs({HOLDS, DUE, BUYERS, VIEWERS, DONE, MODERATED}) do
    call('PEXPIREAT', keys[at], text_of(keep_until))
  end
  return done_answer(show.seq_after, show.offset_after, false)
end

-- The SKUs, prices and units of a pin: false when they are unsound.
local function lines_of(raw)
  local lines = unpack_table(raw)
  local prices = {}
  if not lines or #lines == 0 or #lines > SKUS_MAX then
    return nil
  end
  for _, line in ipairs(lines) do
    if type(line) ~= 'table' or type(line[1]) ~= 'string' or prices[line[1]] then
      return nil
    elseif not (is_integer(line[2], 0, INTEGER_MAX) and is_integer(line[3], 0, QTY_MAX)) then
      return nil
    end
    prices[line[1]] = line[2]
  end
  return lines, prices
end

-- dropcast_pin: open a drop, or have it open at `opens_at`. `lines` is [[sku, price, units], ...], `card` is passed on
-- unread. Times that are 0 or missing are none.
-- KEYS of a show
-- ARGV drop fingerprint limit hold_ms lines card opens_at closes_at reveal_at commands_per_min bytes_per_min event_bytes_max
-- returns ["ok", seq, offset, again] | ["key_used"] | ["not_live"] | ["too_many_drops"] | ["bad_request", what]
--   | ["rate_limited", what, retry_s] | ["event_too_large", most]
local function pin(keys, args)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  end
  local drop, fingerprint = args[1], args[2]
  local before = show.drops:get('p:' .. drop)
  if before then
    local record = cmsgpack.unpack(before)
    if record[1] ~= fingerprint then
      return pack({'key_used'})
    end
    return done_answer(record[2], record[3], true)
  elseif show.status ~= 'live' then
    return pack({'not_live'})
  elseif call('HLEN', keys[DROPS]) >= 3 * DROPS_MAX then
    return pack({'too_many_drops', DROPS_MAX})
  elseif drop == '' or string.find(drop, ':', 1, true) then
    return pack({'bad_request', 'drop'})
  end
  local lines, prices = lines_of(args[5])
  if not lines then
    return pack({'bad_request', 'prices or units'})
  end
  local terms = {
    status = 'open',
    limit = tonumber(args[3]),
    hold_ms = tonumber(args[4]),
    opened_at = show.now,
    prices = prices,
    opens_at = tonumber(args[7] or 0),
    closes_at = tonumber(args[8] or 0),
    reveal_at = tonumber(args[9] or 0),
  }
  if not is_sound(terms) then
    return pack({'bad_request', 'limit, hold_ms, prices or times'})
  elseif terms.closes_at > 0 and terms.closes_at <= math.max(terms.opens_at, show.now) then
    return pack({'bad_request', 'closes_at'})
  end
  if terms.opens_at > show.now then
    terms.status = 'scheduled'
    terms.opened_at = 0
    set_due(show, 'o:' .. drop, terms.opens_at)
  end
  if terms.closes_at > 0 then
    set_due(show, 'c:' .. drop, terms.closes_at)
  end
  want_all_units(show, drop, terms)
  show.units:fetch()
  put_terms(show, drop, terms)
  for _, line in ipairs(lines) do
    local units = sku_of(show, drop, line[1])
    touch(show, units)
    if line[3] > 0 then
      allocate(show, drop, line[1], line[3])
    else
      units.announced = true
    end
  end
  local offset_after = show.offset + (show.movements > 0 and 1 or 0)
  show.drops:put('c:' .. drop, args[6])
  -- Another event may come before its own: that sales are frozen.
  show.drops:put('p:' .. drop, pack({fingerprint, show.seq + #show.events + 1, offset_after}))
  local tag = terms.status == 'open' and 'drop_opened' or 'drop_scheduled'
  note_event(show, tag, 4, pack(drop) .. pack_terms(terms) .. pack_stock(show, drop, terms) .. args[6])
  show.limits = limits_in(args, 10)
  return finish(show)
end

-- Look a drop up for a command. Answers its terms, or nil and an answer for the caller.
local function open_terms(show, drop)
  local terms = terms_of(show, drop)
  if not terms then
    return nil, pack({'unknown_drop'})
  elseif terms.status == 'closed' then
    return nil, pack({'closed'})
  end
  return terms
end

-- What is wrong with a change, as an answer, or nil.
local function problem_with(show, drop, terms, prices, add)
  for sku, price in pairs(prices) do
    if not terms.prices[sku] then
      return pack({'unknown_sku', sku})
    elseif not is_integer(price, 0, INTEGER_MAX) then
      return pack({'bad_request', 'prices'})
    end
  end
  for sku, change in pairs(add) do
    if not terms.prices[sku] then
      return pack({'unknown_sku', sku})
    elseif not is_integer(change, -QTY_MAX, QTY_MAX) then
      return pack({'bad_request', 'add_units'})
    end
    local units = sku_of(show, drop, sku)
    if units.free + change < 0 then
      return pack({'too_few_free', sku, units.free})
    elseif units.allocated + change > UNITS_MAX then
      return pack({'bad_request', 'add_units'})
    end
  end
  return nil
end

-- dropcast_update: change a drop that is not closed. `prices` and `add_units` are maps by SKU, the latter relative; an empty
-- limit or hold_ms leaves it as it is.
-- KEYS of a show
-- ARGV drop key fingerprint prices add_units limit hold_ms commands_per_min bytes_per_min event_bytes_max
-- returns ["ok", seq, offset, again] | ["key_used"] | ["unknown_drop"] | ["closed"] | ["unknown_sku", sku]
--   | ["too_few_free", sku, free] | ["bad_request", what] | ["rate_limited", what, retry_s] | ["event_too_large", most]
local function update(keys, args)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  end
  local drop = args[1]
  local answer = remembered(show, args[2], args[3])
  if answer then
    return answer
  end
  local terms
  terms, problem = open_terms(show, drop)
  if not terms then
    return problem
  end
  want_all_units(show, drop, terms)
  show.units:fetch()
  local prices, add = unpack_table(args[4]), unpack_table(args[5])
  if not prices or not add then
    return pack({'bad_request', 'prices or add_units'})
  end
  problem = problem_with(show, drop, terms, prices, add)
  if problem then
    return problem
  end
  local packed_before = pack_terms(terms)
  for sku, price in pairs(prices) do
    terms.prices[sku] = price
  end
  terms.limit = tonumber(args[6]) or terms.limit
  terms.hold_ms = tonumber(args[7]) or terms.hold_ms
  if not is_sound(terms) then
    return pack({'bad_request', 'limit, hold_ms or prices'})
  end
  for _, sku in ipairs(skus_in(terms)) do
    if add[sku] and add[sku] ~= 0 then
      allocate(show, drop, sku, add[sku])
      -- A top-up is deliberate: it is announced without the quiet time.
      sku_of(show, drop, sku).restock_now = add[sku] > 0
    end
  end
  local packed_after = pack_terms(terms)
  if packed_after ~= packed_before or show.movements > 0 then
    put_terms(show, drop, terms)
    note_event(show, 'drop_updated', 3, pack(drop) .. packed_after .. pack_stock(show, drop, terms))
  end
  show.limits = limits_in(args, 8)
  return finish(show)
end

-- dropcast_unpin: close a drop, or keep it from opening, and withdraw what is free of it. Open holds may still be paid.
-- KEYS of a show
-- ARGV drop key fingerprint
-- returns ["ok", seq, offset, again] | ["key_used"] | ["unknown_drop"]
local function unpin(keys, args)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  end
  local drop = args[1]
  local answer = remembered(show, args[2], args[3])
  if answer then
    return answer
  end
  local terms = terms_of(show, drop)
  if not terms then
    return pack({'unknown_drop'})
  elseif terms.status == 'closed' then
    return done_answer(show.seq, show.offset, true)
  end
  want_all_units(show, drop, terms)
  show.units:fetch()
  close_drop(show, drop, terms)
  return finish(show)
end

-- dropcast_announce: log and publish an announcement. `data` is MessagePack, passed on unread.
-- KEYS of a show
-- ARGV key fingerprint text data commands_per_min bytes_per_min event_bytes_max
-- returns ["ok", seq, offset, again] | ["key_used"] | ["ended"] | ["rate_limited", what, retry_s]
--   | ["event_too_large", most]
local function announce(keys, args)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  end
  local answer = remembered(show, args[1], args[2])
  if answer then
    return answer
  elseif show.status == 'ended' then
    return pack({'ended'})
  end
  note_event(show, 'announcement', 2, pack(args[3]) .. args[4])
  show.limits = limits_in(args, 5)
  return finish(show)
end

-- dropcast_freeze: stop the sales of a show; an operator's reason takes the place of another. Open holds may still be
-- paid.
-- KEYS of a show
-- ARGV
-- returns ["ok", seq, offset, again] | ["ended"]
local function freeze(keys)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  elseif show.status == 'ended' then
    return pack({'ended'})
  elseif show.frozen == 'operator' then
    return done_answer(show.seq, show.offset, true)
  end
  freeze_sales(show, 'operator')
  return finish(show)
end

-- dropcast_thaw: let sales go on; with a `reason`, only if they are frozen for that one.
-- KEYS of a show
-- ARGV reason
-- returns ["ok", seq, offset, again] | ["ended"]
local function thaw(keys, args)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  elseif show.status == 'ended' then
    return pack({'ended'})
  elseif show.frozen == '' or args[1] ~= '' and args[1] ~= show.frozen then
    return done_answer(show.seq, show.offset, true)
  end
  show.frozen = ''
  put_meta(show, 'frozen', '')
  note_event(show, 'sales_thawed', 0, '')
  return finish(show)
end

-- Set or take away one flag of a viewer: 1 muted, 2 banned.
local function moderate(keys, args, flag)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  elseif show.status == 'ended' then
    return pack({'ended'})
  end
  local viewer, on = args[1], args[2] == '1'
  if viewer == '' then
    return pack({'bad_request', 'viewer'})
  end
  local flags = show.moderated:number(viewer)
  local is_on = flags == flag or flags == 3
  if is_on == on then
    return done_answer(show.seq, show.offset, true)
  elseif flags == 0 and call('HLEN', keys[MODERATED]) >= MODERATED_MAX then
    return pack({'too_many_moderated', MODERATED_MAX})
  end
  show.moderated:add(viewer, on and flag or -flag)
  flags = show.moderated:number(viewer)
  show.moderations = show.moderations + 1
  put_meta(show, 'moderations', text_of(show.moderations))
  show.moderated_lines[1] = pack({viewer, flags % 2 == 1, flags >= 2})
  return finish(show)
end

-- dropcast_mute: have a viewer reserve nothing more in the show (`on` 1), or let them again (0).
-- KEYS of a show
-- ARGV viewer on
-- returns ["ok", seq, offset, again] | ["ended"] | ["too_many_moderated", most] | ["bad_request", what]
local function mute(keys, args)
  return moderate(keys, args, 1)
end

-- dropcast_ban: have a viewer neither watch the show nor reserve in it (`on` 1), or let them again (0).
-- KEYS of a show
-- ARGV viewer on
-- returns ["ok", seq, offset, again] | ["ended"] | ["too_many_moderated", most] | ["bad_request", what]
local function ban(keys, args)
  return moderate(keys, args, 2)
end

-- Trades -----------------------------------------------------------------------------------------------------------------

-- An outcome is packed in pieces, without the journal's offset, which is known when all is decided: three when it comes
-- behind them (granted), two when it comes between them (refused), one when there is none in it (invalid).
local GRANTED = '\147\167granted\152'
local HELD = '\164held'

local function granted(record)
  local hold = pack(
    record.id, record.viewer, record.drop, record.sku, record.qty, record.state, record.expires_at, record.price
  )
  return GRANTED, '', hold
end

local function refused(reason, free)
  return '\148' .. pack('refused', reason), pack(free or 0)
end

local function invalid(problem)
  return '\146' .. pack('invalid', problem)
end

-- Where a reserve, behind its own fields, keeps places: of its hold, and of its buyer's units of the drop and holds of
-- the show.
local HOLD, BOUGHT, MADE = 7, 8, 9

-- Text fields of a trade after its tag.
local TEXTS = {reserve = 4, release = 2, pay = 3, unpay = 3, sell = 4, expire = 0}

local function is_well_formed(trade)
  local texts = type(trade) == 'table' and TEXTS[trade[1]]
  if not texts then
    return false
  end
  for at = 2, texts + 1 do
    if type(trade[at]) ~= 'string' then
      return false
    end
  end
  return true
end

-- A viewer's hold for a trade. Answers its record, or nil and an outcome. One that is overdue expires here, in case
-- that more was due than one call settles.
local function hold_for(show, trade, anyone)
  local record = record_of(show, trade[2])
  if not record then
    return nil, invalid('unknown_hold')
  elseif record.viewer ~= trade[3] and not (anyone and trade[3] == '') then
    return nil, invalid('not_yours')
  end
  if is_open(record) and record.expires_at <= show.now then
    give_back(show, record, 'expired')
  end
  return record
end

-- What anybody may be granted who asks for `qty` units of a SKU in this call, with what such holds have in common
-- packed: a crowd wants the same. Answers nil and an outcome when nobody may.
local function offer_of(show, drop, sku, qty)
  local units = want_sku(show, drop, sku)
  local offer = units.offers[qty]
  if offer then
    return offer
  end
  local terms = terms_of(show, drop)
  if not terms then
    return nil, invalid('unknown_drop')
  end
  keep_hours(show, drop, terms)
  if terms.status == 'closed' then
    return nil, refused('closed')
  elseif terms.status == 'scheduled' then
    return nil, refused('not_open')
  elseif show.frozen ~= '' then
    return nil, refused('frozen')
  elseif not terms.prices[sku] then
    return nil, invalid('unknown_sku')
  elseif not is_integer(qty, 1, QTY_MAX) then
    return nil, invalid('bad_qty')
  end
  local deadline, price = show.now + terms.hold_ms, terms.prices[sku]
  local what, ending = pack(drop, sku, qty), pack(deadline, price)
  local hold = what .. HELD .. ending
  offer = {
    units = sku_of(show, drop, sku),
    limit = terms.limit,
    deadline = deadline,
    hold = hold,
    record_end = hold .. pack('', deadline),
    movement_start = '\152' .. HELD .. what,
    movement_end = ending,
  }
  units.offers[qty] = offer
  return offer
end

local TRADES = {}

function TRADES.reserve(show, trade)
  local id, viewer, drop, sku, qty = trade[2], trade[3], trade[4], trade[5], trade[6]
  if show.settles_only or viewer == '' then
    return invalid('bad_trade')
  end
  local record = record_of(show, id)
  if record then
    if record.viewer ~= viewer or record.drop ~= drop or record.sku ~= sku or record.qty ~= qty then
      return invalid('conflict')
    end
    return granted(record)
  elseif show.status ~= 'live' then
    return refused('not_live')
  end
  local flags = show.exists[MODERATED] and show.moderated:number(viewer) or 0
  if flags > 0 then
    return refused(flags == 1 and 'muted' or 'banned')
  end
  local offer, refusal, free = offer_of(show, drop, sku, qty)
  if not offer then
    return refusal, free
  end
  local buyers, bought_at, made_at = show.buyers, trade[BOUGHT], trade[MADE]
  local bought, made = buyers:number_at(bought_at), buyers:number_at(made_at)
  local units, allowed = offer.units, offer.limit - bought
  if made >= show.holds_per_viewer_max then
    return refused('too_many_holds')
  elseif qty > allowed then
    return refused('limit', math.max(0, math.min(allowed, units.free)))
  elseif qty > units.free then
    return refused('sold_out', units.free)
  end
  touch(show, units)
  units.free = units.free - qty
  units.held = units.held + qty
  buyers:put_at(bought_at, text_of(bought + qty))
  buyers:put_at(made_at, text_of(made + 1))
  local who = pack(id, viewer)
  put_hold(show, trade[HOLD], '\153' .. pack(viewer) .. offer.record_end, offer.deadline)
  note_movement(show, offer.movement_start, who, offer.movement_end)
  return GRANTED, who, offer.hold
end

function TRADES.release(show, trade)
  local record, problem = hold_for(show, trade, true)
  if not record then
    return problem
  elseif record.state == 'held' then
    give_back(show, record, 'released')
  elseif record.state ~= 'released' then
    return refused(record.state)
  end
  return granted(record)
end

function TRADES.pay(show, trade)
  local attempt, pay_ms = trade[4], trade[5]
  if attempt == '' or not is_integer(pay_ms, 1, PAY_MS_MAX) then
    return invalid('bad_trade')
  end
  local record, problem = hold_for(show, trade)
  if not record then
    return problem
  elseif record.state == 'held' then
    record.state = 'paying'
    record.attempt = attempt
    record.expires_at = math.max(record.held_until, show.now + pay_ms)
    put_record(show, record)
    move(show, 'paying', record)
  elseif record.state ~= 'paying' or record.attempt ~= attempt then
    return refused(record.state)
  end
  return granted(record)
end

function TRADES.unpay(show, trade)
  local record, problem = hold_for(show, trade)
  if not record then
    return problem
  elseif record.state == 'paying' and record.attempt == trade[4] then
    record.attempt = ''
    record.expires_at = record.held_until
    if record.expires_at <= show.now then
      give_back(show, record, 'expired')
      return refused('expired')
    end
    record.state = 'held'
    put_record(show, record)
    move(show, 'resumed', record)
  elseif record.state ~= 'held' then
    if record.attempt ~= '' and record.attempt == trade[4] and record.state == 'expired' then
      -- A hold that expired and still names an attempt is a payment that may stand. This one does not any more.
      record.attempt = ''
      put_record(show, record)
    end
    return refused(record.state)
  end
  return granted(record)
end

function TRADES.sell(show, trade)
  local record, problem = hold_for(show, trade)
  if not record then
    return problem
  elseif record.state == 'held' then
    return refused('not_paying')
  elseif record.attempt ~= trade[4] or not (record.state == 'paying' or record.state == 'sold') then
    -- Also a sold hold that another attempt paid for: this attempt's payment must be undone.
    return refused(record.state)
  elseif record.state == 'sold' then
    return granted(record)
  end
  local units = sku_of(show, record.drop, record.sku)
  touch(show, units)
  units.held = units.held - record.qty
  units.sold = units.sold + record.qty
  record.state = 'sold'
  put_record(show, record)
  move(show, 'sold', record)
  local order = 'o' .. record.id
  show.orders:put(order, pack({
    order,
    record.id,
    record.viewer,
    record.drop,
    record.sku,
    record.qty,
    record.qty * record.price,
    trade[5],
    show.now,
  }))
  return granted(record)
end

function TRADES.expire()
  return GRANTED, '', pack('', '', '', '', 0, 'expired', 0, 0)
end

-- Read everything that trades and what is due may touch, in a few commands.
local function read_touched(show, trades, sound, due)
  local drops, holds, buyers = show.drops, show.holds, show.buyers
  local moderated = show.exists[MODERATED] and show.moderated
  for at = 1, #sound do
    local trade = trades[at]
    if sound[at] and trade[1] == 'reserve' then
      local viewer, drop = trade[3], trade[4]
      trade[HOLD] = holds:want(trade[2])
      trade[BOUGHT] = buyers:want(drop .. ':' .. viewer)
      trade[MADE] = buyers:want(':' .. viewer)
      want_sku(show, drop, trade[5])
      if moderated then
        moderated:want(viewer)
      end
    elseif sound[at] and trade[1] ~= 'expire' then
      holds:want(trade[2])
    end
  end
  for _, member in ipairs(due) do
    local kind, name = sub(member, 1, 2), sub(member, 3)
    if kind == 'h:' then
      holds:want(name)
    elseif kind == 'o:' or kind == 'c:' then
      drops:want('t:' .. name)
    end
  end
  holds:fetch()
  for place = 1, holds.count do
    local record = holds.values[place] and record_of(show, holds.fields[place])
    if record and is_open(record) then
      want_sku(show, record.drop, record.sku)
      buyers:want(record.drop .. ':' .. record.viewer)
    end
  end
  for drop in pairs(show.skus) do
    drops:want('t:' .. drop)
  end
  for _, hash in ipairs(show.hashes) do
    hash:fetch()
  end
end

-- Phase one for trades. A read fails on a key of another type by itself, so that only what is not read is counted: to
-- look at all types first would cost as much as the reads. Answers the show, trades, whether each is sound, and what is
-- due, or nil and an answer.
local function read_for_trades(keys, args)
  name_moderated(keys)
  local show, problem = open_to_write(keys, {})
  if not show then
    return nil, problem
  end
  local trades = unpack_table(args[1])
  show.holds_per_viewer_max = tonumber(args[2])
  if not trades or not show.holds_per_viewer_max then
    return nil, pack({'bad_request', 'trades'})
  end
  local sound = {}
  for at, trade in ipairs(trades) do
    sound[at] = is_well_formed(trade)
  end
  local exists = show.exists
  exists[MODERATED] = call('HLEN', keys[MODERATED]) > 0
  -- Logs count as there when one has an entry above its top: others are no hindrance.
  local events_top, journal_top = text_of(show.seq) .. '-0', text_of(show.offset) .. '-0'
  local ahead = call('XREAD', 'COUNT', 1, 'STREAMS', keys[EVENTS], keys[JOURNAL], events_top, journal_top)
  exists[EVENTS], exists[JOURNAL] = ahead, ahead
  local due = call('ZRANGEBYSCORE', keys[DUE], '-inf', text_of(show.now), 'LIMIT', 0, DUE_MAX)
  read_touched(show, trades, sound, due)
  for name, at in pairs(HASHES) do
    local hash = rawget(show, name)
    if at ~= MODERATED and not (hash and hash.read > 0) then
      call('HLEN', keys[at])
    end
  end
  call('HLEN', keys[VIEWERS])
  return show, trades, sound, due
end

-- Expire, open and close what is due, in the order of their times; note whose restock is due. The score decides: it
-- is what was read.
local function settle_due(show, due)
  for _, member in ipairs(due) do
    local kind, name = sub(member, 1, 2), sub(member, 3)
    if kind == 'h:' then
      local record = record_of(show, name)
      if record and is_open(record) then
        give_back(show, record, 'expired')
      else
        set_due(show, member, false)
      end
    elseif kind == 'o:' or kind == 'c:' then
      local terms = terms_of(show, name)
      if terms then
        want_all_units(show, name, terms)
        show.units:fetch()
      end
      if terms and kind == 'o:' and terms.status == 'scheduled' then
        open_drop(show, name, terms)
      elseif terms and kind == 'c:' and terms.status ~= 'closed' then
        close_drop(show, name, terms)
      else
        set_due(show, member, false)
      end
    else
      local drop, sku = string.match(member, '^r:([^:]*):(.*)$')
      if drop then
        local units = sku_of(show, drop, sku)
        units.restock_due = true
        touch(show, units)
      else
        set_due(show, member, false)
      end
    end
  end
end

local function carry_out(keys, args, settles_only)
  local fine, show, trades, sound, due = pcall(read_for_trades, keys, args)
  if not fine or not show then
    local wrong = check_types(keys)
    if wrong then
      return pack({'wrong_type', keys[wrong]})
    elseif not fine then
      error(show, 0)
    end
    return trades
  end
  show.settles_only = settles_only

  settle_due(show, due)
  local pieces, offsets_at, count = {}, {}, 0
  for at = 1, #sound do
    local one, two, three
    if sound[at] then
      one, two, three = TRADES[trades[at][1]](show, trades[at])
    else
      one = invalid('bad_trade')
    end
    pieces[count + 1] = one
    if three then
      pieces[count + 2], pieces[count + 3], pieces[count + 4] = two, three, ''
      count = count + 4
      offsets_at[#offsets_at + 1] = count
    elseif two then
      pieces[count + 2], pieces[count + 3] = '', two
      offsets_at[#offsets_at + 1] = count + 2
      count = count + 3
    else
      count = count + 1
    end
  end

  local problem = commit(show)
  if problem then
    return problem
  end
  local offset = pack(show.offset_after)
  for _, at in ipairs(offsets_at) do
    pieces[at] = offset
  end
  return '\146' .. pack('ok') .. array_header(#sound) .. concat(pieces)
end

-- dropcast_trade: do what is due, then carry out any trades, in order. `trades` is an array of domain trades.
-- KEYS of a show
-- ARGV trades holds_per_viewer_max
-- returns ["ok", [outcome, ...]] | ["bad_request", what]
local function trade(keys, args)
  return carry_out(keys, args, false)
end

-- dropcast_settle: the same, also when memory is full, and without reserves.
-- KEYS of a show
-- ARGV trades holds_per_viewer_max
-- returns ["ok", [outcome, ...]] | ["bad_request", what]
local function settle(keys, args)
  return carry_out(keys, args, true)
end

-- Reading ------------------------------------------------------------------------------------------------------------------

local function read_holds(show)
  local ids = {}
  for _, member in ipairs(call('ZRANGE', show.keys[DUE], 0, -1)) do
    if string.sub(member, 1, 2) == 'h:' then
      ids[#ids + 1] = string.sub(member, 3)
      show.holds:want(ids[#ids])
    end
  end
  show.holds:fetch()
  local holds = {}
  for _, id in ipairs(ids) do
    local record = record_of(show, id)
    if record and is_open(record) then
      holds[#holds + 1] = pack({
        id, record.viewer, record.drop, record.sku, record.qty, record.state, record.expires_at, record.price,
      })
    end
  end
  return pack_array(holds)
end

-- Viewers who are muted or banned, as domain Moderated.
local function read_moderated(show)
  local moderated = {}
  local found = show.exists[MODERATED] and call('HGETALL', show.keys[MODERATED]) or {}
  for at = 1, #found, 2 do
    local flags = tonumber(found[at + 1])
    moderated[#moderated + 1] = pack({found[at], flags % 2 == 1, flags >= 2})
  end
  return pack_array(moderated)
end

-- The viewers that all workers have told of lately, all but worker `but`; and the workers that are silent.
local function count_viewers(show, but)
  local viewers, gone = 0, {}
  local found = call('HGETALL', show.keys[VIEWERS])
  for at = 1, #found, 2 do
    local count, at_ms = string.match(found[at + 1], '^(%d+):(%d+)$')
    if found[at] == but then
      count = nil
    elseif not count or show.now - tonumber(at_ms) > WORKER_SILENT_MS then
      count = nil
      gone[#gone + 1] = found[at]
    end
    viewers = viewers + (tonumber(count) or 0)
  end
  return viewers, gone
end

-- dropcast_read: the whole show: drops in the order in which they were pinned, open holds only. With `public` (1) it is
-- for anybody: neither holds nor moderated viewers, but the number of viewers at the end. Servers of an older version
-- do not give it.
-- KEYS of a show
-- ARGV public
-- returns ["ok", [info, status, starts_at, started_at, ended_at, epoch, frozen], seq, offset, at_ms, drops, units,
--   holds, moderations, moderated] and, with `public`, viewers
local function read(keys, args)
  local show, problem = open_show(keys)
  if not show then
    return problem
  end
  local drops, units = {}, {}
  local pinned = drops_of(show)
  for _, drop in ipairs(pinned) do
    show.drops:want('c:' .. drop.id)
    want_all_units(show, drop.id, terms_of(show, drop.id))
  end
  show.drops:fetch()
  show.units:fetch()
  for at, drop in ipairs(pinned) do
    local terms = terms_of(show, drop.id)
    drops[at] = '\147' .. pack(drop.id) .. pack_terms(terms) .. show.drops:get('c:' .. drop.id)
    for _, sku in ipairs(skus_in(terms)) do
      local found = sku_of(show, drop.id, sku)
      units[#units + 1] = pack({drop.id, sku, found.free, found.held, found.sold, found.allocated})
    end
  end
  local is_public = args[1] == '1'
  return (is_public and '\155' or '\154')
    .. pack('ok')
    .. pack_show(show)
    .. pack(show.seq, show.offset, show.now)
    .. pack_array(drops)
    .. pack_array(units)
    .. (is_public and pack_array({}) or read_holds(show))
    .. pack(show.moderations)
    .. (is_public and pack_array({}) or read_moderated(show))
    .. (is_public and pack((count_viewers(show))) or '')
end

-- dropcast_beat: a worker tells how many viewers it has; workers that are silent are forgotten. A show that may have
-- lost history goes on in a new epoch by the first beat at the latest.
-- KEYS of a show
-- ARGV worker viewers
-- returns ["ok", [viewers, epoch, seq, offset, at_ms, due_at_ms, moderations]] | ["bad_request", what]
local function beat(keys, args)
  local show, problem = open_to_write(keys)
  if not show then
    return problem
  end
  local worker, own = args[1], tonumber(args[2])
  if not is_integer(own, 0, QTY_MAX) then
    return pack({'bad_request', 'viewers'})
  end
  local others, gone = count_viewers(show, worker)
  local viewers = own + others
  local due = call('ZRANGE', keys[DUE], 0, 0, 'WITHSCORES')
  if show.run_before ~= show.run then
    problem = commit(show)
    if problem then
      return problem
    end
    show.seq = show.seq_after
  end
  call_chunked('HDEL', keys[VIEWERS], gone)
  call('HSET', keys[VIEWERS], worker, text_of(own) .. ':' .. text_of(show.now))
  call('PEXPIRE', keys[VIEWERS], VIEWERS_TTL_MS)
  local due_at = tonumber(due[2]) or 0
  return pack({'ok', {viewers, show.epoch, show.seq, show.offset, show.now, due_at, show.moderations}})
end

-- dropcast_run: the run that shows written from now on are marked with.
-- KEYS
-- ARGV
-- returns the run, a text
local function run()
  return own_run()
end

-- dropcast_adopt: the caller vouches that this run has all that the runs `before` have told anybody: a show that was
-- last written by one of them goes on in its epoch.
-- KEYS of a show
-- ARGV before...
-- returns ["ok", adopted] | ["unknown_show"]
local function adopt(keys, args)
  local show, problem = open_show(keys)
  if not show then
    return problem
  end
  for _, before in ipairs(args) do
    if show.is_lost and show.run_before == before then
      call('HSET', keys[META], 'run', show.run)
      return pack({'ok', true})
    end
  end
  return pack({'ok', false})
end

-- dropcast_lease: take or renew a lease.
-- KEYS lease
-- ARGV worker lease_ms
-- returns ["ok", taken] | ["wrong_type", key] | ["bad_request", what]
local function lease(keys, args)
  local found = call('TYPE', keys[1]).ok
  local lease_ms = tonumber(args[2])
  if found ~= 'none' and found ~= 'string' then
    return pack({'wrong_type', keys[1]})
  elseif not is_integer(lease_ms, 1, INTEGER_MAX) then
    return pack({'bad_request', 'lease_ms'})
  end
  local owner = call('GET', keys[1])
  if owner and owner ~= args[1] then
    return pack({'ok', false})
  end
  call('SET', keys[1], args[1], 'PX', text_of(lease_ms))
  return pack({'ok', true})
end

-- Permissions --------------------------------------------------------------------------------------------------------------

-- Every command that is called here, as it is called: on `key` or `channel` of a show, or on none. A command of another
-- form than its own must not be asked about: some engines end by it.
local function commands_called(key, channel)
  return {
    {'GET', key},
    {'HDEL', key, 'field'},
    {'HGET', key, 'field'},
    {'HGETALL', key},
    {'HKEYS', key},
    {'HLEN', key},
    {'HMGET', key, 'field'},
    {'HSET', key, 'field', 'value'},
    {'INFO', 'replication'},
    {'PEXPIRE', key, 1},
    {'PEXPIREAT', key, 1},
    {'SET', key, 'value', 'PX', 1},
    {'SPUBLISH', channel, 'message'},
    {'TIME'},
    {'TYPE', key},
    {'XADD', key, '1-0', 'field', 'value'},
    {'XLEN', key},
    {'XRANGE', key, '-', '+', 'COUNT', 1},
    {'XREAD', 'COUNT', 1, 'STREAMS', key, key, '0-0', '0-0'},
    {'ZADD', key, 1, 'member'},
    {'ZCARD', key},
    {'ZRANGE', key, 0, 0},
    {'ZRANGEBYSCORE', key, 0, 0},
    {'ZREM', key, 'member'},
    {'ZREVRANGE', key, 0, 0},
  }
end

-- What the engine's user lacks to run `command`, which it may not: 'key', 'channel' or 'command'.
local function lacking(command)
  if command[1] == 'FCALL' then
    return 'key' -- the command itself is what got us here
  end
  -- It is refused again, with a sentence that tells. WATCH may not be called here: EXISTS tells of its keys.
  local again = command[1] == 'WATCH' and {'EXISTS', command[2]} or command
  local answer = redis.pcall(unpack(again))
  local sentence = type(answer) == 'table' and answer.err or ''
  return string.match(sentence, 'permissions to access .*(key)$')
    or string.match(sentence, 'permissions to access .*(channel)$')
    or 'command'
end

-- dropcast_permissions: which commands the engine's user may not run, of those that the functions call on `key` and
-- `channel` of a show, and of `commands`, [[word, ...], ...]. Nothing is run.
-- KEYS
-- ARGV key channel commands
-- returns ["ok", [[[word, ...], lacking], ...]], lacking one of 'command', 'key', 'channel' | ["bad_request", what]
local function permissions(_, args)
  local others = unpack_table(args[3])
  if not others then
    return pack({'bad_request', 'commands'})
  end
  local refused = {}
  for _, commands in ipairs({commands_called(args[1], args[2]), others}) do
    for _, command in ipairs(commands) do
      if not redis.acl_check_cmd(unpack(command)) then
        refused[#refused + 1] = pack({command, lacking(command)})
      end
    end
  end
  return '\146' .. pack('ok') .. pack_array(refused)
end

-- Registration -----------------------------------------------------------------------------------------------------------

-- What gives units back or closes goes on when memory is full; what takes more memory does not.
local function register(name, callback, ...)
  local function call_back(keys, args)
    if not call then
      bring_libraries()
    end
    return callback(keys, args)
  end
  redis.register_function({function_name = 'dropcast_' .. name, callback = call_back, flags = {...}})
end

register('version', version, 'no-writes')
register('schedule', schedule)
register('start', start)
register('end', finish_show, 'allow-oom')
register('pin', pin)
register('update', update)
register('unpin', unpin, 'allow-oom')
register('announce', announce)
register('freeze', freeze, 'allow-oom')
register('thaw', thaw)
register('mute', mute, 'allow-oom')
register('ban', ban, 'allow-oom')
register('trade', trade)
register('settle', settle, 'allow-oom')
register('read', read, 'no-writes')
register('beat', beat, 'allow-oom')
register('lease', lease, 'allow-oom')
register('run', run, 'no-writes')
register('adopt', adopt, 'allow-oom')
register('permissions', permissions, 'no-writes')
