// A binary function: a program that speaks Tidemill's worker protocol itself.
//
// One program holds several functions; the handler name in HELLO picks one. Frames come on descriptor 3; bodies over
// 64 KiB lie in the memory files 4 (to us) and 5 (from us). In a container variables tell where the three lie.
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	hello    = 1
	event    = 2
	drain    = 4
	release  = 5
	state    = 7
	ready    = 16
	failed   = 17
	reply    = 18
	failure  = 19
	record   = 20
	message  = 23
	newState = 24

	shared         = 1
	inlineBytesMax = 65536
	frameBytesMax  = 16 * 1024 * 1024
)

type object = map[string]any

// call is what a function is called with: the event's body, and the durable state as JSON, empty when there is none.
type call struct {
	body  []byte
	state []byte
}

// sent is a message to another function: the meta of its frame, and its body.
type sent struct {
	meta object
	body []byte
}

// response is what a function answers; logs, messages and the new state, if it has changed, are sent before it.
type response struct {
	status      int
	contentType string
	headers     map[string]string
	body        []byte
	logs        []object
	sends       []sent
	state       []byte
}

// function turns a call into a response, or into the one line its caller sees.
type function func(call) (response, error)

var functions = map[string]function{
	"echo": func(c call) (response, error) { return response{body: c.body}, nil },
	"upper": func(c call) (response, error) {
		return response{body: bytes.ToUpper(c.body)}, nil
	},
	"status": func(call) (response, error) {
		headers := map[string]string{"x-tide": "high", "x-count": "3"}
		return response{status: 201, contentType: "text/x-tide", headers: headers, body: []byte("made")}, nil
	},
	"fail": func(c call) (response, error) { return response{}, errors.New(string(c.body)) },
	"log": func(call) (response, error) {
		logs := []object{
			logRecord("debug", "one", nil),
			logRecord("info", "two", object{"size": 2, "name": "x"}),
			logRecord("warn", "three", nil),
			logRecord("error", "four", nil),
		}
		return response{body: []byte("done"), logs: logs}, nil
	},
	"big": func(c call) (response, error) {
		size, err := strconv.Atoi(strings.TrimSpace(string(c.body)))
		if err != nil || size < 0 {
			return response{}, fmt.Errorf("the body is not a number of bytes: %q", c.body)
		}
		return response{body: bytes.Repeat([]byte("x"), size)}, nil
	},
	// An actor: counts its events in its state.
	"count": func(c call) (response, error) {
		var stored struct {
			Count int `json:"count"`
		}
		if len(c.state) > 0 {
			if err := json.Unmarshal(c.state, &stored); err != nil {
				return response{}, fmt.Errorf("the stored state cannot be read: %w", err)
			}
		}
		stored.Count++
		text, err := json.Marshal(stored)
		return response{body: []byte(strconv.Itoa(stored.Count)), state: text}, err
	},
	// Messages with all that they may have.
	"send": func(call) (response, error) {
		sends := []sent{
			{object{"function": "one"}, []byte("hello ü")},
			{object{"function": "two", "key": "room-7", "content_type": "application/json"}, []byte(`{"n":[1,2]}`)},
			{object{"function": "three", "content_type": "image/png", "headers": object{"x-one": "1"}, "delay_ms": 1500},
				[]byte{0, 255, 128}},
			{object{"function": "one"}, nil},
		}
		return response{body: []byte("sent"), sends: sends}, nil
	},
}

func logRecord(level, message string, fields object) object {
	return object{"level": level, "message": message, "fields": fields, "time_us": time.Now().UnixMicro()}
}

type frame struct {
	kind   byte
	stream uint32
	meta   []byte
	body   []byte
}

// wire is both directions of the socket and both memory files.
type wire struct {
	input    *bufio.Reader
	output   io.Writer
	incoming *os.File
	outgoing *os.File
	held     map[uint32]bool // streams whose stored bodies have not been released yet
	end      int64
}

// connect opens the channel to Tidemill: inherited descriptors, or the files that variables name.
func connect() (*wire, error) {
	var socket io.ReadWriter = os.NewFile(3, "socket")
	incoming, outgoing := os.NewFile(4, "to worker"), os.NewFile(5, "from worker")
	if path := os.Getenv("TIDEMILL_WORKER_SOCKET"); path != "" {
		to, from, _ := strings.Cut(os.Getenv("TIDEMILL_WORKER_MEMORY"), ":")
		var errs [3]error
		socket, errs[0] = net.Dial("unix", path)
		incoming, errs[1] = os.OpenFile(to, os.O_RDWR, 0)
		outgoing, errs[2] = os.OpenFile(from, os.O_RDWR, 0)
		if err := errors.Join(errs[:]...); err != nil {
			return nil, err
		}
	}
	return &wire{
		input:    bufio.NewReaderSize(socket, 1<<16),
		output:   socket,
		incoming: incoming,
		outgoing: outgoing,
		held:     map[uint32]bool{},
	}, nil
}

func (w *wire) receive() (frame, error) {
	var header [16]byte
	if _, err := io.ReadFull(w.input, header[:]); err != nil {
		return frame{}, err
	}
	length := binary.LittleEndian.Uint32(header[0:])
	metaLength := binary.LittleEndian.Uint32(header[12:])
	if length > frameBytesMax || uint64(metaLength)+12 > uint64(length) {
		return frame{}, errors.New("not a frame")
	}
	rest := make([]byte, length-12)
	if _, err := io.ReadFull(w.input, rest); err != nil {
		return frame{}, err
	}
	got := frame{
		kind:   header[4],
		stream: binary.LittleEndian.Uint32(header[8:]),
		meta:   rest[:metaLength],
		body:   rest[metaLength:],
	}
	if header[5]&shared == 0 {
		return got, nil
	}
	if len(got.body) != 16 {
		return frame{}, errors.New("not a place in shared memory")
	}
	offset := int64(binary.LittleEndian.Uint64(got.body[0:]))
	got.body = make([]byte, binary.LittleEndian.Uint64(got.body[8:]))
	_, err := w.incoming.ReadAt(got.body, offset)
	return got, err
}

func (w *wire) send(kind byte, stream uint32, meta object, body []byte) error {
	text, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	var flags byte
	if len(body) > inlineBytesMax {
		if _, err := w.outgoing.WriteAt(body, w.end); err != nil {
			return err
		}
		place := binary.LittleEndian.AppendUint64(nil, uint64(w.end))
		place = binary.LittleEndian.AppendUint64(place, uint64(len(body)))
		w.end += int64(len(body))
		w.held[stream] = true
		body, flags = place, shared
	}
	out := make([]byte, 0, 16+len(text)+len(body))
	out = binary.LittleEndian.AppendUint32(out, uint32(12+len(text)+len(body)))
	out = append(out, kind, flags, 0, 0)
	out = binary.LittleEndian.AppendUint32(out, stream)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(text)))
	out = append(out, text...)
	out = append(out, body...)
	_, err = w.output.Write(out)
	return err
}

// release: Tidemill has read what was stored for stream. Once it has read all, storing begins at the front again.
func (w *wire) release(stream uint32) {
	delete(w.held, stream)
	if len(w.held) == 0 {
		w.end = 0
	}
}

// answer runs the function and sends what comes of it; a panic is an error of the call.
func (w *wire) answer(run function, stream uint32, given call) (err error) {
	started := time.Now()
	defer func() {
		if problem := recover(); problem != nil {
			err = w.sendFailure(stream, "Panic", fmt.Sprint(problem), time.Since(started))
		}
	}()
	result, problem := run(given)
	spent := time.Since(started)
	if problem != nil {
		return w.sendFailure(stream, "Failure", problem.Error(), spent)
	}
	for _, log := range result.logs {
		if err := w.send(record, stream, log, nil); err != nil {
			return err
		}
	}
	for _, one := range result.sends {
		if err := w.send(message, stream, one.meta, one.body); err != nil {
			return err
		}
	}
	if result.state != nil {
		if err := w.send(newState, stream, object{}, result.state); err != nil {
			return err
		}
	}
	meta := object{"user_us": spent.Microseconds()}
	if result.status != 0 {
		meta["status"] = result.status
	}
	if result.contentType != "" {
		meta["content_type"] = result.contentType
	}
	if result.headers != nil {
		meta["headers"] = result.headers
	}
	return w.send(reply, stream, meta, result.body)
}

func (w *wire) sendFailure(stream uint32, kind, message string, spent time.Duration) error {
	meta := object{"type": kind, "message": message, "traceback": "", "status": 500, "user_us": spent.Microseconds()}
	return w.send(failure, stream, meta, nil)
}

// serve returns the exit status. The end of the socket means that Tidemill is gone, and then so are we.
func serve(w *wire) int {
	first, err := w.receive()
	if err != nil || first.kind != hello {
		return 0
	}
	var asked struct {
		Handler string `json:"handler"`
	}
	_ = json.Unmarshal(first.meta, &asked)
	run, known := functions[asked.Handler]
	if !known {
		text := fmt.Sprintf("no function %q; set handler to echo, upper, status, fail, log, big, count or send", asked.Handler)
		_ = w.send(failed, 0, object{"type": "HandlerNotFound", "message": text, "traceback": ""}, nil)
		return 1
	}
	welcome := object{"protocol": 1, "runtime": "binary", "version": "0.1.0", "slots": 1, "contract": "binary"}
	if w.send(ready, 0, welcome, nil) != nil {
		return 0
	}
	// One call at a time: what a state frame brings belongs to the event that follows.
	var stored []byte
	for {
		got, err := w.receive()
		if err != nil {
			return 0
		}
		switch got.kind {
		case state:
			stored = got.body
		case event:
			if w.answer(run, got.stream, call{got.body, stored}) != nil {
				return 0
			}
			stored = nil
		case release:
			w.release(got.stream)
		case drain:
			return 0
		}
	}
}

func main() {
	w, err := connect()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(serve(w))
}
