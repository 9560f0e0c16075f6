;; A component of Tidemill's world that answers with the body of its event.
(component
  (core module $guest
    (memory (export "memory") 1)
    (global $free (mut i32) (i32.const 2048))
    ;; Gives out memory until the instance ends, which is soon.
    (func (export "cabi_realloc") (param i32 i32 i32) (param $bytes i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get $bytes)))
      (local.get $at))
    ;; The address of the event goes in, that of the result comes out: ok, 200, no content type, no headers, the event's body.
    (func (export "handle") (param $event i32) (result i32)
      (i32.store16 (i32.const 1028) (i32.const 200))
      (i32.store (i32.const 1048) (i32.load offset=120 (local.get $event)))
      (i32.store (i32.const 1052) (i32.load offset=124 (local.get $event)))
      (i32.const 1024)))
  (core instance $guest (instantiate $guest))
  (alias core export $guest "memory" (core memory $memory))
  (alias core export $guest "cabi_realloc" (core func $realloc))
  (alias core export $guest "handle" (core func $guest_handle))

  (type $headers (list (tuple string string)))
  (type $event (record
    (field "id" string) (field "source" string) (field "kind" string) (field "subject" string) (field "time-us" s64)
    (field "caller" string) (field "trigger-kind" string) (field "trigger-name" string) (field "method" string)
    (field "path" string) (field "query" string) (field "headers" $headers) (field "content-type" string)
    (field "key" (option string)) (field "attempt" u32) (field "body" (list u8))))
  (type $reply (record
    (field "status" u16) (field "content-type" string) (field "headers" $headers) (field "body" (list u8))))
  (type $failure (record (field "message" string) (field "status" u16) (field "traceback" string)))
  (func $handle (param "event" $event) (result (result $reply (error $failure)))
    (canon lift (core func $guest_handle) (memory (core memory $memory)) (realloc (core func $realloc))))

  ;; An exported function may mention types with a name only. This gives them theirs.
  (component $named
    (import "event" (type $event_in (eq $event)))
    (import "reply" (type $reply_in (eq $reply)))
    (import "failure" (type $failure_in (eq $failure)))
    (import "handle" (func $handle (param "event" $event_in) (result (result $reply_in (error $failure_in)))))
    (export $event_out "event" (type $event))
    (export $reply_out "reply" (type $reply))
    (export $failure_out "failure" (type $failure))
    (export "handle" (func $handle)
      (func (param "event" $event_out) (result (result $reply_out (error $failure_out))))))
  (instance $handler (instantiate $named
    (with "event" (type $event)) (with "reply" (type $reply)) (with "failure" (type $failure))
    (with "handle" (func $handle))))
  (export "tidemill:function/handler@0.1.0" (instance $handler)))
