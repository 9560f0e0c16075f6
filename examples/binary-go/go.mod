module binary-go

go 1.21
