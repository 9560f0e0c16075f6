// A binary function: a program that speaks Tidemill's worker protocol itself.
//
// One program holds several functions; the handler name in HELLO picks one. Frames come on descriptor 3; bodies over
// 64 KiB lie in the memory files 4 (to us) and 5 (from us).
package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	hello   = 1
	event   = 2
	drain   = 4
	release = 5
	ready   = 16
	failed  = 17
	reply   = 18
	failure = 19
	record  = 20

	shared         = 1
	inlineBytesMax = 65536
	frameBytesMax  = 16 * 1024 * 1024
)

type object = map[string]any

// response is what a function answers; logs are sent before it.
type response struct {
	status      int
	contentType string
	headers     map[string]string
	body        []byte
	logs        []object
}

// function turns an event's body into a response, or into the one line its caller sees.
type function func(body []byte) (response, error)

var functions = map[string]function{
	"echo": func(body []byte) (response, error) { return response{body: body}, nil },
	"upper": func(body []byte) (response, error) {
		return response{body: bytes.ToUpper(body)}, nil
	},
	"status": func([]byte) (response, error) {
		headers := map[string]string{"x-tide": "high", "x-count": "3"}
		return response{status: 201, contentType: "text/x-tide", headers: headers, body: []byte("made")}, nil
	},
	"fail": func(body []byte) (response, error) { return response{}, errors.New(string(body)) },
	"log": func([]byte) (response, error) {
		logs := []object{
			logRecord("debug", "one", nil),
			logRecord("info", "two", object{"size": 2, "name": "x"}),
			logRecord("warn", "three", nil),
			logRecord("error", "four", nil),
		}
		return response{body: []byte("done"), logs: logs}, nil
	},
	"big": func(body []byte) (response, error) {
		size, err := strconv.Atoi(strings.TrimSpace(string(body)))
		if err != nil || size < 0 {
			return response{}, fmt.Errorf("the body is not a number of bytes: %q", body)
		}
		return response{body: bytes.Repeat([]byte("x"), size)}, nil
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
	output   *os.File
	incoming *os.File
	outgoing *os.File
	held     map[uint32]bool // streams whose stored bodies have not been released yet
	end      int64
}

func inherited() *wire {
	socket := os.NewFile(3, "socket")
	return &wire{
		input:    bufio.NewReaderSize(socket, 1<<16),
		output:   socket,
		incoming: os.NewFile(4, "to worker"),
		outgoing: os.NewFile(5, "from worker"),
		held:     map[uint32]bool{},
	}
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
func (w *wire) answer(run function, stream uint32, body []byte) (err error) {
	started := time.Now()
	defer func() {
		if problem := recover(); problem != nil {
			err = w.sendFailure(stream, "Panic", fmt.Sprint(problem), time.Since(started))
		}
	}()
	result, problem := run(body)
	spent := time.Since(started)
	if problem != nil {
		return w.sendFailure(stream, "Failure", problem.Error(), spent)
	}
	for _, log := range result.logs {
		if err := w.send(record, stream, log, nil); err != nil {
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
		message := fmt.Sprintf("no function %q; set handler to echo, upper, status, fail, log or big", asked.Handler)
		_ = w.send(failed, 0, object{"type": "HandlerNotFound", "message": message, "traceback": ""}, nil)
		return 1
	}
	welcome := object{"protocol": 1, "runtime": "binary", "version": "0.1.0", "slots": 1, "contract": "binary"}
	if w.send(ready, 0, welcome, nil) != nil {
		return 0
	}
	for {
		got, err := w.receive()
		if err != nil {
			return 0
		}
		switch got.kind {
		case event:
			if w.answer(run, got.stream, got.body) != nil {
				return 0
			}
		case release:
			w.release(got.stream)
		case drain:
			return 0
		}
	}
}

func main() {
	os.Exit(serve(inherited()))
}
