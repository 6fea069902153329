-- usernetes.lua - a job that asks for usernetes has its nodes as long as its cluster
--
-- Purpose: run by the job shell on every node of every job.  For a job that asks,
-- it waits until its cluster has settled (which it has, where the hold was in time),
-- and gives each task KUBECONFIG and USERNETES_WORKDIR.  When all tasks have ended,
-- the leader asks the daemon for the teardown and waits until that has ended: before
-- the job's finish event Flux does not free its nodes, whatever the load is.  A job
-- that does not ask costs one lookup.
--
-- Failure behaviour: no daemon, a failed bring-up or a daemon that goes away
-- end the job with a message; it never runs without its cluster.  The
-- wait at the end is bounded: the job ends all the same, and the daemon's epilog
-- keeps its nodes, if that comes in time.
--
-- It runs as the job's user: a guard against mistakes, not a wall.

local user = shell.info.jobspec.attributes.user
if type (user) ~= "table" or user.usernetes == nil then return end

local NO = { ["no"] = true, ["false"] = true, ["off"] = true, ["0"] = true, [""] = true }

local function asks (value)
    if type (value) == "string" then return not NO[value:lower ()] end
    -- JSON null is a light userdata
    return value ~= nil and value ~= false and value ~= 0 and type (value) ~= "userdata"
end

if not asks (user.usernetes) then return end

-- Where every node runs the script and only one has something to do, the first task that
-- ends would end the job after 30 s.  A value of the user's own stays.
if shell.options["exit-timeout"] == nil then shell.options["exit-timeout"] = "none" end

-- How long one wait-event on the record may take before the daemon is pinged again.
local LOOK = "15s"

-- The output and success of a command; its environment is the broker's.
local function run (command)
    local pipe = io.popen ("env -u FLUX_KVS_NAMESPACE " .. command .. " && echo 'exit 0'")
    local text = pipe:read ("*a")
    pipe:close ()
    local output, done = text:gsub ("exit 0\n$", "")
    return output, done == 1
end

local function nested ()
    local level = run ("flux getattr instance-level")
    return (tonumber (level) or 0) > 0
end

local function daemon_answers_now ()
    local _, ok = run ("timeout 10 flux ping --count=1 usernetes 2>/dev/null")
    return ok
end

local function daemon_answers ()
    for _ = 1, 3 do
        if daemon_answers_now () then return true end
        run ("sleep 1")
    end
    return false
end

-- The settle event of the job's record, or nil before there is one.
local function settled (jobid)
    local record = run ("flux job info " .. jobid .. " usernetes.eventlog 2>/dev/null")
    for line in record:gmatch ("[^\n]+") do
        if line:match ('"name":"settle"') then return line end
    end
end

-- The same, after a wait for it.
local function wait_until_settled (jobid)
    local line, ok = run (
        "flux job wait-event --waitcreate -t " .. LOOK ..
        " --format=json -p usernetes.eventlog " .. jobid .. " settle 2>/dev/null")
    if ok then return line end
end

local function field (line, name)
    local value = line:match ('"' .. name .. '":"(.-[^\\])"')
    return value and value:gsub ('\\(.)', '%1')
end

local function wait_for_cluster (jobid)
    local line
    repeat
        if not daemon_answers () then
            -- A daemon that has been stopped since may have finished the bring-up before.
            line = settled (jobid)
            if line then return line end
            shell.die ("usernetes: no flux-usernetes daemon is running in this instance: " ..
                "the job asks for a cluster and would run without it; " ..
                (nested () and "ask for it on the batch job" or "tell the administrator"))
        end
        line = wait_until_settled (jobid)
    until line
    return line
end

-- The end of the job.  Seconds: of one wait, until the daemon is asked for, without any
-- daemon (a service manager has started another by then), and of a teardown beside the
-- time limits of its tries.
local WAIT, ASK, PATIENCE, REST = 2, 10, 20, 60

-- The job's cluster is its own, and not that of an instance around it.
local own_jobid

-- What ends the wait, of the job's eventlog: a fatal exception, as the epilog keeps the
-- nodes then and a cancel has to be quick; or a time limit that would be one.
local function job_state (jobid)
    local log, ok = run ("flux job eventlog --format=json " .. jobid .. " 2>/dev/null")
    if not ok then return { over = true } end
    local expiration = ((shell.info.R or {}).execution or {}).expiration
    local over = false
    for line in log:gmatch ("[^\n]+") do
        if line:match ('"name":"exception"') and line:match ('"severity":0[,}]') then
            over = true
        elseif line:match ('"name":"resource%-update"') then
            expiration = line:match ('"expiration":([%d.]+)') or expiration
        end
    end
    expiration = tonumber (expiration) or 0
    return { over = over, left = expiration > 0 and expiration - os.time () or math.huge }
end

-- Until when the teardown has ended: the record has the time limit of a try, of two.
local function teardown_limit (jobid)
    local record = run ("flux job info " .. jobid .. " usernetes.eventlog 2>/dev/null")
    local began, limit, hook
    for line in record:gmatch ("[^\n]+") do
        if line:match ('"name":"teardown%-start"') then
            began = line:match ('"timestamp":([%d.]+)')
            limit = line:match ('"timeout":([%d.]+)')
            hook = line:match ('"hook":([%d.]+)')
        end
    end
    return began and tonumber (began) + 2 * (tonumber (limit) or 300) + (tonumber (hook) or 0) + REST
end

local function is_down (jobid, seconds)
    local _, ok = run (
        ("flux job wait-event --quiet -t %ds -p usernetes.eventlog %s down 2>/dev/null"):format (seconds, jobid))
    return ok
end

-- Nil when it is down, or when the job is to end without that; else why it was in vain.
local function wait_until_down (jobid)
    local began = os.time ()
    local answered, limit, asked = began, nil, false
    while true do
        local from = os.time ()
        local state = job_state (jobid)
        if state.over then return nil end
        -- The timeout exception would make a failure of a job that has ended well.
        local wait = math.floor (math.min (WAIT, state.left - WAIT))
        if wait < 1 then return "its time limit ends first" end
        if is_down (jobid, wait) then return nil end
        local now = os.time ()
        limit = limit or teardown_limit (jobid)
        if now > (limit or began + REST) then
            return limit and "it takes too long" or "the daemon has not started it"
        end
        if now - answered >= ASK then
            if daemon_answers_now () then
                answered = os.time ()
            elseif os.time () - answered >= PATIENCE then
                return "no flux-usernetes daemon answers"
            end
        end
        if not asked and now - began >= ASK then
            asked = true
            shell.log ("usernetes: waiting until the job's cluster is removed")
        end
        -- What cannot be read, or was interrupted, takes no time.
        if now == from then run ("sleep 0.5") end
    end
end

-- After the last task of all nodes, and after all output.  The exit status stays.
local function on_exit ()
    local jobid = own_jobid
    if not jobid or shell.info.rank ~= 0 or job_state (jobid).over then return end
    local _, ok = run ("flux job memo " .. jobid .. " usernetes.tasks=done 2>/dev/null")
    local why = ok and wait_until_down (jobid)
    if why then shell.log ("usernetes: not waiting for the teardown any longer: " .. why) end
end

local function use (kubeconfig)
    shell.setenv ("KUBECONFIG", kubeconfig)
    local workdir = kubeconfig:gsub ("/[^/]*$", "")
    shell.setenv ("USERNETES_WORKDIR", workdir)
    -- The cluster's own, where the lead has none; at the end, so that any other is found first.
    local path, kubectl = shell.getenv ("PATH"), io.open (workdir .. "/bin/kubectl")
    if kubectl then kubectl:close () end
    if kubectl and path then shell.setenv ("PATH", path .. ":" .. workdir .. "/bin") end
end

-- The kubeconfig of a record, if its cluster exists; or nil.
local function ready_in (record)
    local kubeconfig
    for line in record:gmatch ("[^\n]+") do
        if line:match ('"name":"settle"') and field (line, "outcome") == "ready" then
            kubeconfig = field (line, "kubeconfig")
        elseif line:match ('"name":"teardown%-start"') then
            kubeconfig = nil
        end
    end
    return kubeconfig
end

-- The kubeconfig of the nearest cluster that this job is in, from the inside
-- outwards: a whole instance's (flux usernetes up), or that of the job which the
-- instance is; or nil.
local function kubeconfig_around ()
    local flux = "flux"
    while true do
        local own = ready_in (run (flux .. " kvs get usernetes.eventlog 2>/dev/null"))
        if own then return own end
        local jobid, inside = run (flux .. " getattr jobid 2>/dev/null")
        jobid = jobid:gsub ("%s", "")
        if not inside or not jobid:match ("^[%w\198\146]+$") then return nil end
        flux = flux .. " --parent"
        local around = ready_in (run (flux .. " job info " .. jobid .. " usernetes.eventlog 2>/dev/null"))
        if around then return around end
    end
end

-- In an instance that has no daemon, as a batch job's own, a job that asks gets the
-- cluster it is in, or one that its environment names.
local function inside_a_cluster ()
    if daemon_answers_now () then return nil end
    local workdir = nested () and shell.getenv ("USERNETES_WORKDIR")
    return kubeconfig_around () or (workdir and workdir .. "/kubeconfig")
end

local function on_init ()
    local jobid = shell.getenv ("FLUX_JOB_ID")
    if not jobid or not jobid:match ("^[%w\198\146]+$") then
        shell.die ("usernetes: cannot find the job's ID: FLUX_JOB_ID is " .. tostring (jobid))
    end
    -- Where the hold was in time, the cluster has settled, and nothing else has to be asked.
    local line = settled (jobid)
    local around = not line and inside_a_cluster ()
    if around then return use (around) end
    line = line or wait_for_cluster (jobid)
    local kubeconfig = field (line, "kubeconfig")
    own_jobid = jobid
    if field (line, "outcome") ~= "ready" or not kubeconfig then
        shell.die ("usernetes: the job's cluster did not come up: " ..
            (field (line, "note") or field (line, "outcome") or "its record is malformed"))
    end
    use (kubeconfig)
end

plugin.register {
    name = "usernetes",
    handlers = {
        { topic = "shell.init", fn = on_init },
        { topic = "shell.exit", fn = on_exit },
    },
}

-- vi: ts=4 sw=4 expandtab
